/** A dialog that asks, informs or collects something. Radix keeps the focus in it and returns it afterwards. */
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";

interface Props {
  title: string;
  /** One sentence under the title. */
  description: string;
  open: boolean;
  onOpenChange(open: boolean): void;
  children: ReactNode;
}

export function Dialog({ title, description, open, onOpenChange, children }: Props) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="overlay" />
        <Radix.Content className="dialog">
          <Radix.Title className="dialog-title">{title}</Radix.Title>
          <Radix.Description className="soft">{description}</Radix.Description>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
