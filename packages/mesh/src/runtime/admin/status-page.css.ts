/** The look of the status page: one sheet, sent with the page, light or dark as the browser wants it. */
export const css = `
:root { color-scheme: light dark; --bg: #f5f7f9; --card: #fff; --ink: #16232e; --dim: #5c6f7e; --line: #dfe6eb;
  --sail: #0b6e8f; --good: #177a4b; --good-bg: #e2f4ea; --warn: #8a5a00; --warn-bg: #fdf1d6; --bad: #b3261e; --bad-bg: #fce8e6; }
@media (prefers-color-scheme: dark) { :root { --bg: #0f171d; --card: #17222b; --ink: #e4edf3; --dim: #8fa3b2;
  --line: #263642; --sail: #5fc3e4; --good: #63d396; --good-bg: #14352a; --warn: #f0bf5a; --warn-bg: #3a2e12;
  --bad: #ff8a80; --bad-bg: #43201e; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1rem; padding: 1.1rem 2rem; background: var(--card);
  border-bottom: 1px solid var(--line); }
header svg { width: 30px; height: 30px; color: var(--sail); }
h1 { font-size: 1.25rem; margin: 0; letter-spacing: -.01em; }
h2 { font-size: .8rem; text-transform: uppercase; letter-spacing: .07em; color: var(--dim); margin: 2rem 0 .6rem; }
main { max-width: 80rem; margin: 0 auto; padding: 0 2rem 3rem; }
a { color: var(--sail); text-decoration: none; } a:hover { text-decoration: underline; }
.summary { color: var(--dim); margin-left: auto; font-size: .9rem; }
.badge { display: inline-block; padding: .1em .65em; border-radius: 99px; font-size: .82rem; font-weight: 600; white-space: nowrap; }
.good { color: var(--good); background: var(--good-bg); } .warn { color: var(--warn); background: var(--warn-bg); }
.bad { color: var(--bad); background: var(--bad-bg); }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-size: .78rem; font-weight: 600; color: var(--dim); }
th, td { padding: .55rem .9rem; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
td small { display: block; color: var(--dim); }
code { font: .86em/1.4 ui-monospace, 'SF Mono', Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.gateways { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; }
.card .url { font-size: 1.1rem; font-weight: 600; }
.empty { color: var(--dim); padding: 1rem; margin: 0; }
#stale { display: none; padding: .6rem 2rem; } #stale.shown { display: block; }
footer { color: var(--dim); font-size: .85rem; margin-top: 2rem; }
`;
