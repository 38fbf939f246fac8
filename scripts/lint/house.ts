/** Our own lint rules, in addition to Deno's. deno.json loads them. */

/** The entries between the node's own brackets, without a trailing comma. */
function entriesOf(text: string): string {
  return text.trim().slice(1, -1).trim().replace(/,$/, "");
}

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    // Spreading a literal is the same as writing its entries. It only keeps the formatter from breaking a line.
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
              // The spread's own range ends after its dots.
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
    // One convention for constants, so that nobody has to remember which ones are in capitals.
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
