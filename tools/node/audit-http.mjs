// Runs graphql-http's audit of GraphQL over HTTP against a server that is up: node audit-http.mjs URL HEADER.
// The credential comes in on standard input, because arguments are everybody's to read; it is sent in HEADER.
// What leaves is a table of the 61 checks, and exit code 0 only for the result that the server is held to.
import { text } from 'node:stream/consumers';
import { auditServer } from 'graphql-http';

const CHECKS = 61;

// All three want queries over GET, which is refused on purpose: another site can make a browser send it.
const EXPECTED_NOTICES = ['5A70', '6A70', 'D6D5'];

const [url, header] = process.argv.slice(2);
if (!url || !header) {
  console.error('usage: node audit-http.mjs URL HEADER < CREDENTIAL');
  process.exit(2);
}
const credential = (await text(process.stdin)).trim();

// The checks ask with Request-like arguments of their own; the credential is added and nothing else is touched.
function fetchFn(address, init = {}) {
  const headers = new Headers(init.headers);
  headers.set(header, credential);
  return fetch(address, { ...init, headers });
}

const results = await auditServer({ url, fetchFn });
const faults = [];
for (const result of results) {
  console.log(`${result.status.padEnd(6)}  ${result.id}  ${result.name}`);
  if (result.status === 'ok') {
    continue;
  }
  const { response } = result;
  console.log(`        ${result.reason}; status ${response.status}, ${response.headers.get('content-type')}`);
  if (result.status !== 'notice') {
    faults.push(`${result.id} is a ${result.status}`);
  }
}

const count = (status) => results.filter((result) => result.status === status).length;
const notices = results.filter((result) => result.status === 'notice').map((result) => result.id).sort();
console.log(`${results.length} checks: ${count('ok')} ok, ${count('notice')} notices, ${count('warn')} warnings, ${count('error')} errors`);

if (results.length !== CHECKS) {
  faults.push(`${results.length} checks ran, not ${CHECKS}`);
}
if (notices.join() !== EXPECTED_NOTICES.join()) {
  faults.push(`the notices are ${notices.join(' ')}, not ${EXPECTED_NOTICES.join(' ')}`);
}
for (const fault of faults) {
  console.error(`audit-http: ${fault}`);
}
process.exitCode = faults.length === 0 ? 0 : 1;
