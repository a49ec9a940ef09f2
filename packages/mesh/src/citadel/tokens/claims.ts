/** What is in a join token, and between whom it passes. */
export const tokenAlgorithm = 'ES256';
/** The audience that Istio's certificate service expects. */
export const tokenAudience = 'istio-ca';
export const tokenIssuer = 'lateen.supervisor';
/** No token is valid for longer, whatever it says. */
export const maxTokenLifetimeMs = 60 * 60 * 1000;
