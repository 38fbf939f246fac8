/** @jsxImportSource react */
/// <reference lib="dom" />
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { Dialog } from "radix-ui";
import { scaleTime } from "@visx/scale";
import { AxisBottom } from "@visx/axis";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useHashLocation } from "wouter/use-hash-location";
import { Route } from "wouter";
export function X() { const [a] = useState(1); return <div className="x">{a}<Dialog.Root /><AxisBottom scale={scaleTime({})} /></div>; }
createRoot(document.body).render(<X />);
export const y = [useVirtualizer, useInfiniteQuery, useHashLocation, Route];
