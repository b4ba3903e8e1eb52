"""ONNX models: a graph and its weights, that ONNX Runtime predicts with."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ....entities import Field, Signature
from ....errors import InvalidInput
from . import predicting
from .flavour import Saved
from .paths import is_file
from .storing import installed, needed

EXTRA = "onnx"
FILE = "model.onnx"
LARGEST_BYTES = 1_900_000_000
"""What is larger does not fit into one file of protocol buffers, which end at 2 GiB."""
DTYPES = {
    "float": "float32",
    "double": "float64",
    "float16": "float16",
    "bfloat16": "bfloat16",
    "int64": "int64",
    "int32": "int32",
    "int16": "int16",
    "int8": "int8",
    "uint64": "uint64",
    "uint32": "uint32",
    "uint16": "uint16",
    "uint8": "uint8",
    "bool": "bool",
    "string": "object",
}
"""NumPy's names of what ONNX Runtime calls ``tensor(...)``."""


class OnnxModel:
    """A loaded model: ``predict``, and the ``session`` (``onnxruntime.InferenceSession``) for the rest."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.inputs = _fields(session.get_inputs())
        self.outputs = _fields(session.get_outputs())

    def __repr__(self) -> str:
        inputs, outputs = (", ".join(each.name for each in fields) for fields in (self.inputs, self.outputs))
        return f"<OnnxModel {inputs} -> {outputs}>"

    def predict(self, data: Any) -> Any:
        """The output as an array, or a dict of them where there are several.

        ``data`` is what the only input takes, or for several inputs a dict, or a table with a column each.
        """
        values = self.session.run(None, self._fed(data))
        if len(values) == 1:
            return values[0]
        return {field.name: value for field, value in zip(self.outputs, values, strict=True)}

    def _fed(self, data: Any) -> dict[str, Any]:
        names = [field.name for field in self.inputs]
        if len(self.inputs) == 1 and not (isinstance(data, dict) and set(data) == set(names)):
            return {names[0]: _cast(data, self.inputs[0])}
        columns = list(getattr(data, "columns", data if isinstance(data, dict) else ()))
        if missing := [name for name in names if name not in columns]:
            raise InvalidInput(f"The model's inputs are {', '.join(names)}; {', '.join(missing)} is missing.")
        return {field.name: _cast(data[field.name], field) for field in self.inputs}


class Onnx:
    """A ``ModelProto`` or the path of an ``.onnx`` file, with the weights that lie beside it."""

    name = "onnx"
    runs_code = False
    deterministic = True
    packages = ("onnxruntime",)

    def accepts(self, model: Any) -> bool:
        kind = type(model)
        is_proto = kind.__name__ == "ModelProto" and kind.__module__.partition(".")[0] == "onnx"
        return is_proto or is_file(model, ".onnx")

    def save(self, model: Any, folder: Path) -> Saved:
        found = installed("onnxruntime", "onnx")
        if isinstance(model, os.PathLike):
            proto = _with_weights(Path(model))
            if proto is None:
                return Saved(path=Path(model), class_name="onnx.ModelProto", packages=found)
            model = proto
        return Saved(path=_write(model, folder), class_name="onnx.ModelProto", packages=found)

    def load(self, path: Path, *, trusted: bool) -> OnnxModel:
        runtime = needed("onnxruntime", extra=EXTRA)
        file = path / FILE if path.is_dir() else path
        return OnnxModel(runtime.InferenceSession(str(file), providers=_providers(runtime)))

    def predict(self, model: Any, data: Any) -> Any:
        return self._opened(model).predict(data)

    def signature(self, model: Any) -> Signature | None:
        opened = self._opened(model)
        return Signature(
            inputs=opened.inputs,
            outputs=opened.outputs,
            input_kind="array" if len(opened.inputs) == 1 else "object",
            output_kind="array" if len(opened.outputs) == 1 else "object",
        )

    def _opened(self, model: Any) -> OnnxModel:
        if isinstance(model, OnnxModel):
            return model
        runtime = needed("onnxruntime", extra=EXTRA)
        return OnnxModel(runtime.InferenceSession(model.SerializeToString(), providers=_providers(runtime)))


def _with_weights(path: Path) -> Any:
    """The model with the weights that lie in files beside it; None where it is one file.

    Without the package onnx the file is taken as it is: if weights are missing then, loading says so.
    """
    try:
        onnx = needed("onnx", extra=EXTRA)
    except ImportError:
        return None
    proto = onnx.load(str(path), load_external_data=False)
    outside = onnx.external_data_helper.uses_external_data
    if not any(map(outside, _tensors(proto))):
        return None
    proto = onnx.load(str(path))
    if left := [tensor.name for tensor in _tensors(proto) if outside(tensor)]:
        raise InvalidInput(f"The weights {left} of {str(path)!r} cannot be read from the files beside it.")
    return proto


def _tensors(proto: Any) -> Iterator[Any]:
    """Every tensor of a model: also those of its functions, and of the graphs within ``If`` and ``Loop``."""
    yield from _tensors_of_graph(proto.graph)
    for function in proto.functions:
        yield from _tensors_of_nodes(function.node)


def _tensors_of_graph(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _tensors_of_nodes(graph.node)


def _tensors_of_nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    for attribute in (each for node in nodes for each in node.attribute):
        yield from (attribute.t, *attribute.tensors)
        for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
            yield from (sparse.values, sparse.indices)
        for graph in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
            yield from _tensors_of_graph(graph)


def _write(proto: Any, folder: Path) -> Path:
    if proto.ByteSize() < LARGEST_BYTES:
        path = folder / FILE
        path.write_bytes(proto.SerializeToString(deterministic=True))
        return path
    path = folder / "model"
    path.mkdir()
    onnx = needed("onnx", extra=EXTRA)
    onnx.save_model(proto, str(path / FILE), save_as_external_data=True, location="weights")
    return path


def _providers(runtime: Any) -> list[str]:
    return [
        each
        for each in ("CUDAExecutionProvider", "CPUExecutionProvider")
        if each in runtime.get_available_providers()
    ]


def _fields(values: Sequence[Any]) -> list[Field]:
    return [
        Field(
            name=each.name,
            dtype=DTYPES.get(each.type.removeprefix("tensor(").removesuffix(")"), each.type),
            shape=[size if isinstance(size, int) else None for size in each.shape or []],
        )
        for each in values
    ]


def _cast(data: Any, field: Field) -> Any:
    """The input's own type: a session takes no other, and most models have 32-bit floats."""
    import numpy as np

    if field.dtype == "object":
        array = np.asarray(data, dtype=object)
    else:
        array = predicting.as_array(data)
        array = array.astype(field.dtype) if field.dtype in DTYPES.values() else array
    wanted = len(field.shape or [])
    if array.ndim == 1 and wanted == 2 and field.shape and field.shape[1] == 1:
        array = array[:, None]
    return np.ascontiguousarray(array)
