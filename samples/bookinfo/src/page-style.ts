// The look of productpage: one inline style sheet, so that the page needs nothing but itself.

export const pageStyle = `
:root{--ink:#1b2733;--soft:#566575;--line:#dfe7ee;--blue:#1f6fa8;--sky:#d7ecf9;--paper:#fff;--desk:#f4f7fa}
*{box-sizing:border-box}
body{margin:0;background:var(--desk);color:var(--ink);font:16px/1.6 -apple-system,BlinkMacSystemFont,"Segoe UI",
Roboto,"Helvetica Neue","Liberation Sans",Arial,system-ui,sans-serif}
header{display:flex;align-items:center;justify-content:space-between;gap:16px;min-height:64px;
padding:10px max(20px,calc(50vw - 520px));background:linear-gradient(#e4f3fc,var(--sky));border-bottom:1px solid #b9d9ee}
.brand{display:flex;align-items:center;gap:10px;color:#17517b;font-size:20px;font-weight:650;letter-spacing:-.01em;
text-decoration:none}
.brand svg{width:30px;height:30px}
.button{display:inline-block;padding:8px 18px;border:1px solid var(--blue);border-radius:8px;background:var(--blue);
color:#fff;font-family:inherit;font-weight:600;font-size:15px;line-height:1.4;text-decoration:none;cursor:pointer}
.button:hover{background:#195b8b}
.button.quiet{background:transparent;color:var(--blue)}
.button.quiet:hover{background:#eaf4fb}
:focus-visible{outline:3px solid #7db9e3;outline-offset:2px}
.account{display:flex;align-items:center;gap:8px;min-width:0}
.account a{color:var(--blue);white-space:nowrap}
.avatar{display:grid;place-items:center;flex:none;width:34px;height:34px;border-radius:50%;background:var(--blue);
color:#fff;font-weight:650}
.user{overflow:hidden;max-width:40vw;font-weight:600;text-overflow:ellipsis;white-space:nowrap}
main{max-width:1080px;margin:0 auto;padding:36px 20px 20px}
main.narrow{max-width:680px}
h1{margin:0;font:700 clamp(32px,5vw,46px)/1.15 Georgia,"Liberation Serif",serif;letter-spacing:-.015em}
h2{margin:0 0 18px;font-size:19px;line-height:1.3}
.hero{display:grid;grid-template-columns:auto 1fr;align-items:center;gap:40px;margin-bottom:32px}
.cover{position:relative;display:flex;flex-direction:column;align-items:center;justify-content:space-between;width:168px;
aspect-ratio:5/7;padding:26px 16px 20px 24px;border-radius:3px 8px 8px 3px;
background:linear-gradient(90deg,#0d3352 0,#0d3352 9px,#0a2941 11px,transparent 12px),
linear-gradient(150deg,#2b83bf,#154a73 75%);
box-shadow:0 1px 2px #0b27405c,0 14px 28px -8px #0b274070;color:#fdf3d8;
font-family:Georgia,"Liberation Serif",serif;text-align:center}
.cover::after{content:"";position:absolute;inset:10px 9px 10px 19px;border:1px solid #f2d68a8c;border-radius:2px}
.cover b{font-size:21px;line-height:1.2}
.cover svg{width:92px;fill:none;stroke:#f2d68a;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
.cover .front{fill:#1d5f90}
.cover span{font-size:12px;letter-spacing:.02em}
.author{margin:6px 0 0;color:var(--soft);font:italic 19px/1.4 Georgia,"Liberation Serif",serif}
.summary{max-width:62ch;margin:16px 0 0;font-size:17px}
.columns{display:grid;grid-template-columns:minmax(260px,340px) 1fr;align-items:start;gap:24px}
.card{padding:26px 28px;border:1px solid var(--line);border-radius:14px;background:var(--paper);
box-shadow:0 1px 2px #1b27330d}
.card h1{margin-bottom:12px;font-size:34px}
.links{display:flex;flex-wrap:wrap;gap:12px;margin:22px 0 0}
dl{margin:0}
dl div{display:flex;justify-content:space-between;gap:16px;padding:7px 0;border-top:1px solid var(--line)}
dl div:first-child{border-top:0;padding-top:0}
dl div:last-child{padding-bottom:0}
dt{color:var(--soft)}
dd{margin:0;font-weight:550;text-align:right;overflow-wrap:anywhere}
figure{margin:0 0 20px;padding-left:18px;border-left:3px solid #a9d3ee}
blockquote{margin:0;font:18px/1.55 Georgia,"Liberation Serif",serif}
figcaption{display:flex;flex-wrap:wrap;align-items:center;gap:4px 14px;margin-top:6px}
cite{color:var(--soft);font-style:normal;font-weight:550}
.stars{font-size:22px;line-height:1;letter-spacing:2px}
.no-rating{padding:2px 10px;border-radius:99px;background:#fdf3dd;color:#7a5200;font-size:14px}
.served,footer{color:var(--soft);font-size:13.5px}
.served{margin:22px 0 0;padding-top:14px;border-top:1px solid var(--line)}
.served u,footer u{font:13px ui-monospace,SFMono-Regular,Menlo,"Liberation Mono",monospace;text-decoration:none;
color:var(--ink);overflow-wrap:anywhere}
footer{padding:0 20px 32px;text-align:center}
.error{padding:16px 18px;border:1px solid #f0c3c3;border-left:4px solid #c9302c;border-radius:8px;background:#fdf3f3}
.error h3{margin:0 0 4px;color:#a02622;font-size:17px;line-height:1.4}
.error p{margin:0}
#sign-in{width:min(380px,calc(100vw - 40px));margin:auto;padding:28px;border:0;border-radius:14px;color:var(--ink);
box-shadow:0 24px 64px #0b274059}
#sign-in::backdrop{background:#0b274066}
#sign-in label{display:block;margin-bottom:14px;color:var(--soft);font-size:14px;font-weight:550}
#sign-in input{display:block;width:100%;margin-top:4px;padding:9px 12px;border:1px solid #b8c7d4;border-radius:8px;
color:var(--ink);font-family:inherit;font-size:16px;line-height:1.4}
#sign-in p{display:flex;justify-content:flex-end;gap:10px;margin:22px 0 0}
@media (max-width:760px){
main{padding-top:28px}
.hero{grid-template-columns:1fr;gap:24px}
.columns{grid-template-columns:1fr}
.card{padding:22px 20px}
}
`;
