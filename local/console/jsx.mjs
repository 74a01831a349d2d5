// `node jsx.mjs FROM TO TYPESCRIPT`: copies the console's modules, with every html`…` template written as JSX.
//
// The page has no build step: htm reads its templates in the browser, so to a type checker and a linter they are
// strings. In the copy they are elements: tsc checks what each component and each HTML attribute is given, and the
// linter its rules for accessibility. Lines stay where they are. What htm reads otherwise than its writer meant
// (a tag that is not closed, an entity) is an error here.

import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const [from, to, typescript] = process.argv.slice(2);
const ts = createRequire(import.meta.url)(typescript);
const errors = [];

/** The text of a module with its templates as JSX. */
function withJsx(name, text) {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const fail = (at, message) => {
    const { line, character } = file.getLineAndCharacterOfPosition(at);
    errors.push(`${name}:${line + 1}:${character + 1} ${message}`);
  };
  let templates = 0;

  /** The text from one position to another, with the templates in it as JSX. */
  function rewritten(node, start, end) {
    let [done, at] = ["", start];
    (function visit(child) {
      if (ts.isTaggedTemplateExpression(child) && child.tag.getText(file) === "html") {
        templates += 1;
        done += text.slice(at, child.getStart(file)) + element(child.template);
        at = child.end;
      } else ts.forEachChild(child, visit);
    })(node);
    return done + text.slice(at, end);
  }

  /** A template as JSX. */
  function element(template) {
    return new Template(pieces(template), fail).asJsx();
  }

  /** What a template consists of: characters of its text, and values (`${…}`) with templates in them as JSX. */
  function pieces(template) {
    const found = [];
    const chars = (node, tail) => {
      const start = node.getStart(file) + 1;
      const end = node.end - tail;
      for (let at = start; at < end; at += 1) found.push({ char: text[at], at });
    };
    if (ts.isNoSubstitutionTemplateLiteral(template)) chars(template, 1);
    else {
      chars(template.head, 2);
      for (const { expression, literal } of template.templateSpans) {
        // With the comments and line ends around it.
        const [start, end] = [expression.getFullStart(), literal.getStart(file)];
        found.push({ value: rewritten(expression, start, end), at: expression.getStart(file) });
        chars(literal, ts.isTemplateTail(literal) ? 1 : 2);
      }
    }
    return found;
  }

  const all = rewritten(file, 0, text.length);
  // The name is used by the templates, which are no longer there.
  return templates ? `${all.trimEnd()} void html;\n` : all;
}

/** Reads a template as htm does, and writes it as JSX. */
class Template {
  constructor(pieces, fail) {
    this.pieces = pieces;
    this.fail = fail;
    this.position = 0;
    this.open = [];
    this.roots = 0;
    this.isWrapped = false;
  }

  asJsx() {
    let jsx = "";
    while (this.next) jsx += this.starts("<") ? this.tag() : this.content();
    for (const { name, at } of this.open.reverse()) {
      this.fail(at, `<${name}> is not closed`);
      jsx += `</${name}>`;
    }
    return this.roots === 1 && !this.isWrapped ? `(${jsx})` : `(<>${jsx}</>)`;
  }

  get next() {
    return this.pieces[this.position];
  }

  starts(text) {
    return [...text].every((char, offset) => this.pieces[this.position + offset]?.char === char);
  }

  take() {
    return this.pieces[this.position++];
  }

  /** Text or a value between tags. */
  content() {
    const { char, value, at } = this.take();
    if (!this.open.length && (value !== undefined || char.trim())) this.isWrapped = true;
    if (value !== undefined) return `{${value}}`;
    if (char === "&") this.refuseEntity(at);
    return "{}>".includes(char) ? `{"${char}"}` : char;
  }

  refuseEntity(at) {
    const ahead = this.pieces.slice(this.position, this.position + 12).map(({ char }) => char ?? " ");
    if (/^#?\w+;/.test(ahead.join(""))) this.fail(at, "htm shows an entity as it stands: write the character");
  }

  tag() {
    const { at } = this.take();
    if (this.starts("!--")) return this.comment();
    if (this.starts("/")) return this.closing(at);
    if (!this.open.length) this.roots += 1;
    const name = this.name(at);
    let jsx = `<${name}`;
    while (this.next && !this.starts(">")) {
      if (this.starts("/")) {
        this.take();
        if (this.starts(">")) return `${jsx} /${this.take().char}`;
        jsx += " ";
      } else if (this.next.char?.trim() === "") jsx += this.take().char;
      else jsx += this.attribute(/^[a-z][a-z0-9]*$/.test(name));
    }
    this.take();
    this.open.push({ name, at });
    return `${jsx}>`;
  }

  comment() {
    let lines = "";
    while (this.next && !this.starts("-->")) lines += this.take().char === "\n" ? "\n" : "";
    this.position += 3;
    return lines && `{/*${lines}*/}`;
  }

  closing(at) {
    this.take();
    let written = "";
    while (this.next && !this.starts(">")) {
      const { char, value } = this.take();
      written += value ?? char;
    }
    this.take();
    const opened = this.open.pop();
    if (!opened) this.fail(at, "this closes nothing");
    else if (!["/", opened.name].includes(written.trim())) this.fail(at, `this closes <${opened.name}>`);
    return `</${opened?.name ?? ""}>`;
  }

  /** Of an element, or of a component: an expression that is a name. */
  name(at) {
    const { value } = this.next;
    if (value !== undefined) {
      this.take();
      if (!/^([A-Z]\w*|\w+(\.\w+)+)$/.test(value)) this.fail(at, "a component is called by a name with a capital");
      return value;
    }
    return this.word();
  }

  word() {
    let word = "";
    while (this.next?.char && !/[\s=>/]/.test(this.next.char)) word += this.take().char;
    return word;
  }

  /** `isHtml`: of an HTML element, not of a component. */
  attribute(isHtml) {
    const { at } = this.next;
    if (this.starts("...")) {
      this.position += 3;
      return `{...${this.take().value}} `;
    }
    const name = this.word();
    if (!name) {
      this.fail(at, "here stands no attribute");
      this.take();
      return "";
    }
    if (/HTML$|^srcdoc$/.test(name)) this.fail(at, `${name}: what is shown is text`);
    if (!this.starts("=")) return `${name} `;
    this.take();
    const parts = this.value();
    if (parts.every(({ char }) => char)) {
      if (/^on/i.test(name) || name === "style") this.fail(at, `${name} is no text: the policy of the page forbids it`);
      const text = parts.map(({ char }) => char).join("");
      // In HTML every value is a text; JSX has types for some, as for tabindex.
      if (isHtml && /^-?\d+$/.test(text)) return `${name}={${text}} `;
      return `${name}=${JSON.stringify(text)} `;
    }
    if (parts.length === 1) return `${name}={${parts[0].value}} `;
    return `${name}={\`${parts.map(({ char, value }) => char ?? `\${${value}}`).join("")}\`} `;
  }

  value() {
    const quote = /["']/.test(this.next?.char ?? "") ? this.take().char : "";
    const parts = [];
    const isEnd = quote ? () => this.starts(quote) : () => this.next.char && /[\s>/]/.test(this.next.char);
    while (this.next && !isEnd()) {
      const piece = this.take();
      if (piece.char === "&") this.refuseEntity(piece.at);
      parts.push(piece);
    }
    if (quote) this.take();
    return parts;
  }
}

for (const name of readdirSync(from, { recursive: true })) {
  const [source, copy] = [join(from, name), join(to, name)];
  if (statSync(source).isDirectory()) continue;
  mkdirSync(dirname(copy), { recursive: true });
  if (name.endsWith(".js") && !name.startsWith("vendor")) writeFileSync(copy, withJsx(name, readFileSync(source, "utf-8")));
  else if (name.endsWith(".d.ts")) cpSync(source, copy);
}
for (const error of errors) console.error(error);
process.exit(errors.length ? 1 : 0);
