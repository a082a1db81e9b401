"""The model repository is what Triton's own schema wants, and agrees with itself, on a CPU and on a GPU."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from google.protobuf import text_format
from pointsman_classifier import triton_build, triton_configs
from pointsman_classifier.encoder import Encoder
from pointsman_classifier.heads import ARTEFACTS, OUTPUTS, WIDTH, DamagedArtefactError, Heads
from pointsman_classifier.surface import SURFACE, surfaces
from pointsman_classifier.tokenizer import Tokenizer
from pointsman_classifier.triton_steps import BUCKETS, JUDGEMENT, SAID, pieces, texts
from tritonclient.grpc import model_config_pb2

from tests.classifier.labelled import LABELLED

TEXTS = [text for _, text in LABELLED]
MODELS = ("tokenizer", "encoder", "heads", "classifier")


def parsed(folder: Path) -> dict[str, Any]:
    return {
        name: text_format.Parse((folder / name / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())
        for name in MODELS
    }


@pytest.fixture(scope="module")
def configs() -> dict[str, Any]:
    return parsed(triton_build.template())


def ports(config: Any) -> dict[str, tuple[int, ...]]:
    return {port.name: tuple(port.dims) for port in config.output}


def test_every_configuration_is_of_tritons_schema(configs: dict[str, Any]) -> None:
    for name, config in configs.items():
        assert config.name == name
        assert config.max_batch_size == 32
        assert list(config.version_policy.specific.versions) == [1]


def test_the_outputs_are_those_of_the_heads(configs: dict[str, Any]) -> None:
    together, named = {"embedding": (512,), JUDGEMENT: (WIDTH,)}, {name: (width,) for name, width in OUTPUTS.items()}
    assert ports(configs["encoder"]) == together | {SAID: (WIDTH,)}
    assert ports(configs["heads"]) == named
    assert ports(configs["classifier"]) == together | named
    assert ports(configs["tokenizer"])["surface"] == (SURFACE,)


def test_a_queue_policy_is_at_the_entrance_only(configs: dict[str, Any]) -> None:
    """Elsewhere, and with one instance, it makes this Triton stall: docs/decisions/classifier-triton.md."""
    policy = configs["encoder"].dynamic_batching.default_queue_policy
    assert (policy.max_queue_size, policy.default_timeout_microseconds) == (0, 0)
    assert configs["tokenizer"].dynamic_batching.default_queue_policy.max_queue_size > 0
    assert configs["tokenizer"].instance_group[0].count == 2
    assert configs["encoder"].HasField("dynamic_batching")


def test_the_ensemble_joins_ports_that_exist(configs: dict[str, Any]) -> None:
    known = {"TEXT": configs["classifier"].input[0]}
    for step in configs["classifier"].ensemble_scheduling.step:
        model = configs[step.model_name]
        inputs = {port.name: port for port in model.input}
        assert set(step.input_map) == set(inputs)
        for name, tensor in step.input_map.items():
            assert (known[tensor].data_type, known[tensor].dims) == (inputs[name].data_type, inputs[name].dims)
        known |= {step.output_map[port.name]: port for port in model.output}
    assert {port.name for port in configs["classifier"].output} <= set(known)


def test_a_gpu_changes_the_instance_kind_alone(tmp_path: Path) -> None:
    for kind in triton_build.KINDS:
        triton_build.build(tmp_path / kind, kind=kind)
    cpu, gpu = (parsed(tmp_path / kind) for kind in triton_build.KINDS)
    assert gpu["encoder"].instance_group[0].kind == model_config_pb2.ModelInstanceGroup.KIND_GPU
    gpu["encoder"].instance_group[0].kind = model_config_pb2.ModelInstanceGroup.KIND_CPU
    assert gpu == cpu
    files = set(cpu["encoder"].cc_model_filenames.values()) | {cpu["encoder"].default_model_filename}
    folder = tmp_path / "KIND_GPU" / "encoder" / "1"
    assert files == {path.name for path in folder.glob("*.onnx")}
    sums = {path.read_text().split()[1] for path in folder.glob("*.sha256")}
    assert sums == files


def test_tensorrt_is_told_the_shapes_of_the_buckets(configs: dict[str, Any]) -> None:
    (tensorrt,) = configs["encoder"].optimization.execution_accelerators.gpu_execution_accelerator
    assert tensorrt.name == "tensorrt"
    assert tensorrt.parameters["precision_mode"] == "FP16"
    shapes = {
        which: dict(part.split(":") for part in tensorrt.parameters[f"trt_profile_{which}_shapes"].split(","))
        for which in ("min", "opt", "max")
    }
    inputs = {port.name for port in configs["encoder"].input}
    pieces_of = {"input_ids", "attention_mask"}
    for each in shapes.values():
        assert set(each) == inputs
        assert len({each[name] for name in pieces_of}) == 1
        assert each["surface"] == f"{each['input_ids'].split('x')[0]}x{SURFACE}"
    low, usual, high = (tuple(map(int, shapes[which]["input_ids"].split("x"))) for which in ("min", "opt", "max"))
    assert low == (1, BUCKETS[0])
    assert high == (configs["encoder"].max_batch_size, BUCKETS[-1])
    assert low <= usual <= high and usual[1] in BUCKETS


def test_warmup_is_of_shapes_that_come(configs: dict[str, Any]) -> None:
    for sample in configs["encoder"].model_warmup:
        assert {sample.inputs[name].dims[0] for name in ("input_ids", "attention_mask")} <= set(BUCKETS)
        assert list(sample.inputs["surface"].dims) == [SURFACE]
        assert set(sample.inputs) == {port.name for port in configs["encoder"].input}


@pytest.fixture(scope="module")
def gpu_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With both files of the encoder."""
    repository = tmp_path_factory.mktemp("gpu")
    triton_build.build(repository, kind="KIND_GPU")
    return repository


def test_the_models_ports_are_those_of_its_configuration(configs: dict[str, Any], gpu_repository: Path) -> None:
    config = configs["encoder"]
    for name in ("model.onnx", "model.fp16.onnx"):
        model = onnx.load(str(gpu_repository / "encoder" / "1" / name))
        onnx.checker.check_model(model, full_check=True)  # shapes are inferred: no operator gets what it cannot take
        for ports, declared in ((model.graph.input, config.input), (model.graph.output, config.output)):
            assert {port.name: widths(port) for port in ports} == {port.name: list(port.dims) for port in declared}
    # what TensorRT has no layer for
    assert not {"DynamicQuantizeLinear", "MatMulInteger", "Mod"} & {node.op_type for node in model.graph.node}


def widths(port: Any) -> list[int]:
    """As a configuration has them: without the batch, -1 for any."""
    return [dim.dim_value or -1 for dim in port.type.tensor_type.shape.dim][1:]


@pytest.mark.parametrize("name", ["model.onnx", "model.fp16.onnx"])
def test_a_batch_gives_nearly_the_same(encoder: Encoder, gpu_repository: Path, name: str) -> None:
    """In half precision too, and padded: NVIDIA's onnxruntime backend runs batches so."""
    file = gpu_repository / "encoder" / "1" / name
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    tokenizer, heads = Tokenizer(), Heads.load()
    for start in range(0, len(TEXTS), 8):
        some = TEXTS[start : start + 8]
        ids, mask = pieces(tokenizer, some)
        given = {"input_ids": ids, "attention_mask": mask, "surface": surfaces(some)}
        vectors, rows = session.run(["embedding", JUDGEMENT], given)
        assert all(float(v @ encoder.embed(t)) > 0.998 for v, t in zip(vectors, some, strict=True))
        assert np.allclose(rows, heads.rows(some, vectors), atol=1e-4)


def test_steps_need_no_server() -> None:
    said = texts(np.array([[b"hello"], [b"\xff"]], np.object_))
    assert said == ["hello", "\ufffd"]
    ids, mask = pieces(Tokenizer(), [*said, "word " * 20])
    assert ids.shape == mask.shape == (3, 32)
    assert mask.sum(axis=1).tolist() == [4, 3, 22]  # with begin and end
    assert not ids[mask == 0].any()
    assert surfaces(said).shape == (2, SURFACE)
    assert surfaces([]).shape == (0, SURFACE)


def test_releases_are_added_and_chosen(tmp_path: Path) -> None:
    assert [triton_build.build(tmp_path, kind="KIND_CPU") for _ in range(3)] == [1, 2, 3]
    assert triton_build.releases(tmp_path) == [1, 2, 3]
    assert triton_configs.current(tmp_path) == 1  # a new one waits
    assert triton_configs.previous(tmp_path) is None
    for release in (2, 3):
        triton_configs.point(tmp_path, release)
    assert (triton_configs.current(tmp_path), triton_configs.previous(tmp_path)) == (3, 2)
    assert {step.model_version for step in parsed(tmp_path)["classifier"].ensemble_scheduling.step} == {3}
    triton_configs.point(tmp_path, 2)
    triton_configs.forget(tmp_path, 3)
    assert (triton_configs.current(tmp_path), triton_configs.previous(tmp_path)) == (2, 1)


def test_a_candidate_comes_and_goes(tmp_path: Path) -> None:
    for _ in range(2):
        triton_build.build(tmp_path, kind="KIND_CPU")
    before = parsed(tmp_path)["classifier"]
    triton_configs.offer(tmp_path, (1, 2))
    triton_configs.add_candidate(tmp_path, 2)
    text = (tmp_path / "classifier_candidate" / "config.pbtxt").read_text()
    candidate = text_format.Parse(text, model_config_pb2.ModelConfig())
    assert candidate.name == "classifier_candidate"
    assert {step.model_version for step in candidate.ensemble_scheduling.step} == {2}
    assert parsed(tmp_path)["classifier"] == before
    assert list(parsed(tmp_path)["encoder"].version_policy.specific.versions) == [1, 2]
    triton_configs.drop_candidate(tmp_path)
    assert not (tmp_path / "classifier_candidate").exists()


def test_what_is_damaged_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="heads"):
        triton_build.build(tmp_path / "models", kind="KIND_CPU", heads=tmp_path / "nowhere" / "heads")
    for name in ("heads.npz", "heads.sha256"):
        (tmp_path / name).write_bytes((ARTEFACTS / name).read_bytes())
    (tmp_path / "heads.npz").write_bytes(b"damaged")
    with pytest.raises(DamagedArtefactError, match="checksum"):
        triton_build.build(tmp_path / "models", kind="KIND_CPU", heads=tmp_path)
    assert triton_build.releases(tmp_path / "models") == []


def test_a_repository_of_another_making_gets_no_release(tmp_path: Path) -> None:
    triton_build.build(tmp_path, kind="KIND_CPU")
    config = tmp_path / "classifier" / "config.pbtxt"
    config.write_text(config.read_text().replace('model_name: "heads"', 'model_name: "rest"'))
    with pytest.raises(ValueError, match="another version"):
        triton_build.build(tmp_path, kind="KIND_CPU")
    assert triton_build.releases(tmp_path) == [1]


def test_the_gpu_image_loads_all_models() -> None:
    """NVIDIA's server is started by its own command there."""
    dockerfile = Path(__file__).parents[2] / "images" / "triton-gpu" / "Dockerfile"
    assert re.findall(r"--load-model=(\w+)", dockerfile.read_text()) == list(triton_configs.MODELS)
