"""Rows to predict from files, and predictions to files."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from ...errors import InvalidInput, NotFound
from . import tables


def read_rows(path: Path) -> Any:
    """A DataFrame, or of ``.npy`` an array. Raises NotFound, and InvalidInput for other or broken files."""
    path = path.expanduser()
    if not path.is_file():
        raise NotFound(f"No file {str(path)!r} to predict.")
    if path.suffix.lower() == ".npy":
        import numpy as np

        try:
            return np.load(path, allow_pickle=False)
        except (ValueError, OSError) as error:
            raise InvalidInput(f"{str(path)!r} is no array of NumPy: {error}") from error
    table = tables.read(path, path.name)
    if table is None:
        raise InvalidInput(
            f"{str(path)!r} holds no rows to predict: give CSV, TSV, JSON lines, Parquet, Feather or .npy."
        )
    return table


def as_frame(predicted: Any) -> Any:
    """Predictions as a DataFrame: of one output the column ``prediction``."""
    import numpy as np
    import pandas as pd

    if hasattr(predicted, "to_pandas"):
        predicted = predicted.to_pandas()
    if isinstance(predicted, pd.DataFrame):
        return predicted
    if isinstance(predicted, pd.Series):
        return predicted.reset_index(drop=True).to_frame(predicted.name or "prediction")
    if isinstance(predicted, dict):
        return pd.concat([_named(as_frame(each), str(name)) for name, each in predicted.items()], axis=1)
    if hasattr(predicted, "detach"):
        predicted = predicted.detach().cpu().numpy()
    array = np.asarray(predicted)
    if array.ndim < 2:
        return pd.DataFrame({"prediction": np.atleast_1d(array)})
    flat = array.reshape(len(array), -1)
    return pd.DataFrame(flat, columns=[f"prediction_{number}" for number in range(flat.shape[1])])


def write_predictions(predicted: Any, target: Path | IO[str], *, as_json: bool = False) -> int:
    """How many rows were written: to a path in the format of its ending, else CSV or JSON records."""
    frame = as_frame(predicted)
    if not isinstance(target, Path):
        text = frame.to_json(orient="records", force_ascii=False) if as_json else frame.to_csv(index=False)
        target.write(text if text.endswith("\n") else text + "\n")
        return len(frame)
    target = target.expanduser()
    suffix = target.suffix.lower()
    if suffix == ".parquet":
        frame.to_parquet(target, index=False)
    elif suffix in (".csv", ".tsv"):
        frame.to_csv(target, index=False, sep="\t" if suffix == ".tsv" else ",")
    elif suffix == ".npy":
        _write_array(frame, target)
    else:
        raise InvalidInput(f"Predictions go to .csv, .tsv, .parquet or .npy, not to {str(target)!r}.")
    return len(frame)


def _write_array(frame: Any, target: Path) -> None:
    import numpy as np

    values = frame.to_numpy()
    values = values[:, 0] if values.shape[1] == 1 else values
    try:
        np.save(target, values, allow_pickle=False)
    except ValueError as error:
        raise InvalidInput(f"These predictions are no plain array ({error}): write them as CSV.") from error


def _named(frame: Any, name: str) -> Any:
    columns = list(frame.columns)
    return frame.set_axis([name] if len(columns) == 1 else [f"{name}.{each}" for each in columns], axis=1)
