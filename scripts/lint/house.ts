/** Our own lint rules, for what Deno's do not know; deno.json loads them. */

/** Inside the node's own brackets: the entries, without a comma behind the last. */
function entriesOf(text: string): string {
  return text.trim().slice(1, -1).trim().replace(/,$/, "");
}

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    // A spread of a literal says what its entries say by themselves: it only keeps the formatter from breaking a line.
    "no-literal-spread": {
      create(context) {
        return {
          SpreadElement(node) {
            const { argument } = node;
            if (argument.type !== "ObjectExpression" && argument.type !== "ArrayExpression") return;
            context.report({
              node,
              message: "A literal is spread into another one",
              hint: "Write its entries where the spread is.",
              // The spread's own range ends behind its dots.
              fix: (fixer) =>
                fixer.replaceTextRange(
                  [node.range[0], argument.range[1]],
                  entriesOf(context.sourceCode.getText(argument)),
                ),
            });
          },
        };
      },
    },
    // One convention for constants, so that nobody has to remember which ones shout.
    "constant-case": {
      create(context) {
        return {
          VariableDeclaration({ kind, declarations }) {
            if (kind !== "const") return;
            for (const { id } of declarations) {
              if (id.type !== "Identifier" || !/^[A-Z][A-Z0-9_]+$/.test(id.name)) continue;
              context.report({
                node: id,
                message: `The constant '${id.name}' is written in capitals`,
                hint: "Write it like any other name, in camelCase.",
              });
            }
          },
        };
      },
    },
  },
};

export default plugin;
