import { Dialog } from "./dialog.tsx";

const shortcuts: readonly (readonly [keys: string[], what: string])[] = [
  [["j", "↓"], "Next job"],
  [["k", "↑"], "Previous job"],
  [["Enter"], "Open the job"],
  [["Esc"], "Back to the list; clear the search"],
  [["/"], "Search"],
  [["l"], "Jobs"],
  [["h"], "Health"],
  [["n"], "Ask a query"],
  [["t"], "Dark or light"],
  [["?"], "This list"],
];

export function HelpDialog(props: { open: boolean; onOpenChange(open: boolean): void }) {
  return (
    <Dialog {...props} title="Keyboard" description="These work wherever you are not typing.">
      <dl className="shortcuts">
        {shortcuts.map(([keys, what]) => (
          <div key={what}>
            <dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
