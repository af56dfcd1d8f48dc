import { useRef } from 'react';
import classes from './PaneHandle.module.css';

interface Props {
  label: string;
  value: number;
  min: number;
  max: number;
  initial: number;
  onChange: (width: number) => void;
}

const STEP_PX = 16;

/** The line between two panes: dragged, moved with arrow keys, reset with a double click. */
export function PaneHandle({ label, value, min, max, initial, onChange }: Props) {
  const start = useRef<{ x: number; width: number } | null>(null);
  const set = (width: number) => onChange(Math.round(Math.min(max, Math.max(min, width))));
  return (
    <div
      className={classes.handle}
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation="vertical"
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      onDoubleClick={() => set(initial)}
      onKeyDown={(event) => {
        if (event.key === 'ArrowLeft') set(value - STEP_PX);
        else if (event.key === 'ArrowRight') set(value + STEP_PX);
        else if (event.key === 'Home') set(min);
        else if (event.key === 'End') set(max);
        else return;
        event.preventDefault();
      }}
      onPointerDown={(event) => {
        start.current = { x: event.clientX, width: value };
        event.currentTarget.setPointerCapture(event.pointerId);
        event.preventDefault();
      }}
      onPointerMove={(event) => {
        if (start.current) set(start.current.width + event.clientX - start.current.x);
      }}
      onPointerUp={() => {
        start.current = null;
      }}
      onPointerCancel={() => {
        start.current = null;
      }}
    />
  );
}
