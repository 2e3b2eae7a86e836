// A second opinion on documents: node validate.mjs SCHEMA reads {"id": 1, "query": "…"} on standard input, one a line,
// and answers {"id": 1, "valid": false, "rules": ["ScalarLeafsRule"], "message": "…"} for each, in order. rules are
// those of graphql-js that refuse the document, "Syntax" where it does not parse, "Exhausted" where graphql-js runs out
// of stack over it; message is the first error's.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { buildSchema, GraphQLError, parse, specifiedRules, validate } from 'graphql';

const [path] = process.argv.slice(2);
if (!path) {
  console.error('usage: node validate.mjs SCHEMA < DOCUMENTS');
  process.exit(2);
}
const schema = buildSchema(readFileSync(path, 'utf8'));

function judge(query) {
  let document;
  try {
    document = parse(query);
  } catch (error) {
    if (error instanceof GraphQLError) {
      return { valid: false, rules: ['Syntax'], message: error.message };
    }
    throw error;
  }
  // An error does not say which rule it is of, so each rule gets a context that takes note.
  const rules = new Set();
  const noted = specifiedRules.map((rule) => (context) => {
    const own = Object.create(context);
    own.reportError = (error) => {
      rules.add(rule.name);
      context.reportError(error);
    };
    return rule(own);
  });
  const errors = validate(schema, document, noted);
  return { valid: errors.length === 0, rules: [...rules].sort(), message: errors[0]?.message ?? '' };
}

function answer(query) {
  try {
    return judge(query);
  } catch (error) {
    if (error instanceof RangeError) {
      return { valid: false, rules: ['Exhausted'], message: error.message };
    }
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { id, query } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify({ id, ...answer(query) })}\n`);
}
