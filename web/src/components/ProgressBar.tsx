// A share as a thin bar with its number.

import css from "./ProgressBar.module.css";

export function ProgressBar({ value, label }: { value: number; label: string }) {
  const percent = Math.round(Math.min(1, Math.max(0, value)) * 100);
  return (
    <div className={css.bar}>
      <div
        role="progressbar"
        aria-label={label}
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        className={css.track}
      >
        <div
          className={percent === 100 ? `${css.share} ${css.whole}` : css.share}
          style={{ width: `${percent}%` }}
        />
      </div>
      <span className={css.number}>{percent}%</span>
    </div>
  );
}
