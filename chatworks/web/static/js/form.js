// A form: several questions at once, each with the browser's own field for its kind. What is wrong
// stands beside its field. It is sent as one event, and closed like any other question.

import { element } from "./nodes.js";

const RADIOS_MAX = 4; // more options than this are a list to open
const INPUTS = {
  text: { type: "text", maxLength: 1000 },
  number: { type: "number", step: "any", inputMode: "decimal" },
  date: { type: "date" },
  phone: { type: "tel", autocomplete: "tel", maxLength: 40 },
};
const drawn = new WeakMap();
let forms = 0;

export class Sheet {
  // `send` hears (values by field, what people read of them).
  constructor(seq, { fields, submit }, { texts }, send) {
    this.texts = texts;
    this.send = send;
    this.node = element("form", "sheet");
    this.node.noValidate = true; // the page says what is wrong, beside the field
    this.node.dataset.seq = seq;
    this.set = element("fieldset");
    this.name = `form${(forms += 1)}`;
    this.fields = fields.map((field) => this.draw(field));
    const press = element("button", "button", submit);
    press.type = "submit";
    this.set.append(...this.fields.map(({ box }) => box), press);
    this.node.append(this.set);
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    drawn.set(this.node, this);
  }

  static of(log, seq) {
    const node = log.querySelector(`.sheet[data-seq="${CSS.escape(seq)}"]`);
    return node && drawn.get(node);
  }

  static closeAll(log) {
    for (const node of log.querySelectorAll(".sheet")) drawn.get(node).close();
  }

  // -- fields -----------------------------------------------------------------------------------

  draw(field) {
    const id = `${this.name}-${field.id}`;
    const options = field.options || (field.kind === "yes_no" ? this.yesNo() : []);
    const chosen = field.kind === "yes_no" || field.kind === "choice";
    const radios = chosen && options.length <= RADIOS_MAX;
    const box = element(radios ? "fieldset" : "div", "field");
    const label = element(radios ? "legend" : "label", "", field.label);
    if (field.required === false) label.append(" ", element("span", "optional", this.texts.optional));
    const inputs = radios ? options.map((option) => radio(option, id)) : [chosen ? select(options) : input(field)];
    const problem = element("p", "problem");
    Object.assign(problem, { id: `${id}-problem`, hidden: true });
    for (const one of inputs) {
      one.name = id;
      one.required = field.required !== false;
      one.setAttribute("aria-describedby", problem.id);
      one.addEventListener("input", () => this.blame(whole, ""));
    }
    if (!radios) label.htmlFor = inputs[0].id = id;
    const rows = radios ? [element("div", "radios")] : inputs;
    if (radios) rows[0].append(...inputs.map((one) => one.parentNode));
    box.append(label, ...rows, problem);
    const whole = { field, box, inputs, problem, options };
    return whole;
  }

  yesNo() {
    return [{ id: "yes", label: this.texts.yes }, { id: "no", label: this.texts.no }];
  }

  // -- answers ----------------------------------------------------------------------------------

  value({ inputs }) {
    if (inputs[0].type === "radio") return inputs.find((one) => one.checked)?.value ?? "";
    return inputs[0].value.trim();
  }

  words(whole) {
    const value = this.value(whole);
    return whole.options.find(({ id }) => id === value)?.label ?? value;
  }

  blame({ box, inputs, problem }, text) {
    problem.textContent = text;
    problem.hidden = !text;
    box.classList.toggle("wrong", Boolean(text));
    for (const one of inputs) text ? one.setAttribute("aria-invalid", "true") : one.removeAttribute("aria-invalid");
  }

  wrong(whole) {
    const [first] = whole.inputs;
    if (first.validity.badInput) return whole.field.kind === "date" ? this.texts.bad_date : this.texts.bad_number;
    if (first.required && !this.value(whole)) return this.texts.needed;
    return "";
  }

  submit() {
    let first = null;
    for (const whole of this.fields) {
      const problem = this.wrong(whole);
      this.blame(whole, problem);
      if (problem) first ??= whole.inputs[0];
    }
    if (first) return first.focus();
    const answered = this.fields.filter((whole) => this.value(whole));
    const values = Object.fromEntries(answered.map((whole) => [whole.field.id, this.value(whole)]));
    this.send(values, answered.map((whole) => `${whole.field.label}: ${this.words(whole)}`).join("\n"));
  }

  // Answers that were given before, in this page or another.
  fill(values) {
    for (const { field, inputs } of this.fields) {
      const value = values[field.id] ?? "";
      if (inputs[0].type === "radio") inputs.forEach((one) => (one.checked = one.value === value));
      else inputs[0].value = value;
    }
  }

  close() {
    this.set.disabled = true;
  }

  open() {
    this.set.disabled = false;
    this.fields[0]?.inputs[0].focus();
  }
}

function input({ kind }) {
  return Object.assign(element("input"), INPUTS[kind] || INPUTS.text);
}

function select(options) {
  const node = element("select");
  node.append(new Option("", ""), ...options.map(({ id, label }) => new Option(label, id)));
  return node;
}

function radio({ id, label }, name) {
  const around = element("label", "radio");
  const node = Object.assign(element("input"), { type: "radio", value: id, id: `${name}-${id}` });
  around.append(node, element("span", "", label));
  return node;
}
