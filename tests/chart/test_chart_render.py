"""What the chart renders, by Helm 3 and Helm 4: profiles as goldens, bad values refused, generated parts up to date."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, PROFILES, ROOT, Helm, by_kind, options_of
from tools import generate_chart

GOLDENS = ROOT / "tests" / "golden" / "chart"
RUNBOOK = ROOT / "docs" / "operations.md"
ALL_ON = CHART / "profiles" / "production-gpu.yaml"


@pytest.mark.parametrize("profile", [None, *PROFILES], ids=lambda path: path.stem if path else "default")
def test_profiles_render_as_before(helm: Helm, profile: Path | None, golden: Callable[[Path, str], None]) -> None:
    without = ("--set", "crds.install=false,monitoring.dashboard.enabled=false")  # both are files of their own
    text = helm.rendered(*options_of(profile), *without)
    golden(GOLDENS / f"{profile.stem if profile else 'default'}.yaml", text)


def test_lint_finds_nothing(helm: Helm) -> None:
    for profile in (None, *PROFILES):
        helm.run("lint", "--strict", str(CHART), "--kube-version", "1.36.0", *options_of(profile))


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ("router.replica=3", r"router"),
        ("router.replicas=three", r"router.replicas|/router/replicas"),
        ("router.replicas=0", r"router.replicas|/router/replicas"),
        ("router.classifier=Embeded", r"router.classifier|/router/classifier"),
        ("operator.image.digest=latest", r"operator.image.digest|/operator/image/digest"),
        ("telemetry.endpoint=collector:4317", r"telemetry.endpoint|/telemetry/endpoint"),
        ("monitoring.prometheusRule.objectivePercent=100", r"objectivePercent"),
        ("certificates.managed=false", r"certificates\.(operator|router)Secret: name a Secret"),
        ("routers.replicas=1", r"routers"),
    ],
)
def test_a_bad_value_is_refused_with_its_place(helm: Helm, value: str, where: str) -> None:
    assert re.search(where, helm.refusal(value))


def test_the_smallest_number_of_routers_is_not_more_than_the_largest(helm4: Helm) -> None:
    said = helm4.refusal("router.autoscaling.enabled=true", "router.autoscaling.minReplicas=11")
    assert "router.autoscaling.minReplicas: is more than maxReplicas" in said


def test_generated_parts_are_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = tmp_path / "pointsman"
    shutil.copytree(CHART, fresh)
    monkeypatch.setattr(generate_chart, "CHART", fresh)
    generate_chart.main()
    made = [path for path in fresh.rglob("*") if path.is_file()]
    stale = [path for path in made if path.read_text() != (CHART / path.relative_to(fresh)).read_text()]
    assert stale == [], "run: make generate"


def test_the_dashboard_is_in_its_config_map(helm4: Helm) -> None:
    [dashboard] = by_kind(helm4.objects("--values", str(ALL_ON)), "ConfigMap").values()
    assert json.loads(dashboard["data"]["pointsman.json"])["panels"]


def test_every_value_is_described_by_the_schema() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def undescribed(value: Any, known: dict[str, Any], path: str) -> list[str]:
        if not isinstance(value, dict) or "properties" not in known:
            return []
        return [
            found
            for key, each in value.items()
            for found in (
                [f"{path}.{key}"]
                if key not in known["properties"]
                else undescribed(each, known["properties"][key], f"{path}.{key}")
            )
        ]

    assert undescribed(values, schema, "") == []


def test_the_operator_has_exactly_its_rights(helm4: Helm) -> None:
    objects = helm4.objects()
    written = {each["kind"]: each["rules"] for each in yaml.safe_load_all((ROOT / "operator/rbac.yaml").read_text())}
    assert by_kind(objects, "ClusterRole")["pointsman-operator"]["rules"] == written["ClusterRole"]
    own = by_kind(objects, "Role")["pointsman-operator"]["rules"]
    assert own[: len(written["Role"])] == written["Role"]
    certificates = own[len(written["Role"]) :]
    assert [each["verbs"] for each in certificates] == [["create"], ["get", "update"]]
    assert certificates[1]["resourceNames"] == ["pointsman-ca", "pointsman-operator-tls", "pointsman-router-tls"]
    without = helm4.objects("--values", str(CHART / "profiles/own-certificates.yaml"))
    assert by_kind(without, "Role")["pointsman-operator"]["rules"] == written["Role"]


def test_crds_stay_when_the_release_goes(helm: Helm) -> None:
    found = by_kind(helm.objects(), "CustomResourceDefinition")
    for file in (ROOT / "crds").glob("*.yaml"):
        crd = yaml.safe_load(file.read_text())
        rendered = found[crd["metadata"]["name"]]
        assert rendered["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
        assert rendered["spec"] == crd["spec"]
    assert by_kind(helm.objects("--set", "crds.install=false"), "CustomResourceDefinition") == {}


def test_every_alert_has_an_entry_in_the_runbook(helm4: Helm) -> None:
    [rules] = by_kind(helm4.objects("--values", str(ALL_ON)), "PrometheusRule").values()
    alerts = [rule for group in rules["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    headings = {
        line.removeprefix("### ").strip() for line in RUNBOOK.read_text().splitlines() if line.startswith("###")
    }
    assert {alert["alert"] for alert in alerts} <= headings
    for alert in alerts:
        assert alert["annotations"]["runbook_url"].endswith(f"#{alert['alert'].lower()}")


def test_a_container_that_ends_has_time_for_its_answers(helm4: Helm) -> None:
    router = by_kind(helm4.objects("--set", "router.drain.answerSeconds=200"), "Deployment")["pointsman-router"]
    pod = router["spec"]["template"]["spec"]
    assert "--drain=200" in pod["containers"][0]["args"]
    assert "--drain-delay=30" in pod["containers"][0]["args"]
    assert pod["terminationGracePeriodSeconds"] >= 5 + 30 + 200 + 10


def test_clients_that_are_named_are_the_only_ones(helm4: Helm) -> None:
    """Metrics of routers are read at the clients' port."""

    def let_in(*options: str) -> list[Any]:
        named = 'networkPolicy.clients=[{"podSelector": {}}]'
        policies = by_kind(helm4.objects("--set-json", named, *options), "NetworkPolicy")
        return [each["from"][0] for each in policies["pointsman-router"]["spec"]["ingress"]]

    assert let_in() == [{"podSelector": {}}]
    monitoring = {"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}
    narrowed = let_in("--set-json", f"networkPolicy.metrics={json.dumps([monitoring])}")
    assert narrowed == [{"podSelector": {}}, monitoring]


def test_triton_sends_spans_only_where_it_is_told_to(helm4: Helm) -> None:
    def triton(*options: str) -> tuple[list[str], dict[str, Any]]:
        objects = helm4.objects("--set", "router.classifier=Triton", *options)
        pod = by_kind(objects, "Deployment")["pointsman-triton"]["spec"]["template"]["spec"]
        return pod["containers"][0]["args"], by_kind(objects, "NetworkPolicy")["pointsman-triton"]["spec"]

    arguments, policy = triton()
    assert not [each for each in arguments if "trace" in each]
    assert "egress" not in policy
    arguments, policy = triton("--set", "telemetry.tritonUrl=http://collector:4318/v1/traces")
    assert "--trace-config=opentelemetry,url=http://collector:4318/v1/traces" in arguments
    assert "--trace-config=level=TIMESTAMPS" in arguments  # TENSORS would be prompts
    assert policy["egress"][1]["ports"] == [{"port": 4317}, {"port": 4318}]


def test_triton_on_a_gpu_is_alive_while_it_infers(helm4: Helm) -> None:
    probes = {
        profile: by_kind(helm4.objects("--set", f"router.classifier=Triton,triton.profile={profile}"), "Deployment")[
            "pointsman-triton"
        ]["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]
        for profile in ("CPU", "GPU")
    }
    assert probes["GPU"]["exec"]["command"][1:3] == ["-m", "pointsman_classifier.triton_supervisor"]
    assert "httpGet" in probes["CPU"]  # its image has the supervisor inside


def test_dockerfiles_are_clean() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    files = sorted((ROOT / "images").glob("*/Dockerfile"))
    assert files
    result = subprocess.run([hadolint, *files], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_no_dockerfile_names_a_base_itself() -> None:
    pinned = (ROOT / "images" / "bases.env").read_text()
    for line in pinned.splitlines():
        assert line.startswith("#") or re.search(r"@sha256:[0-9a-f]{64}$", line), line
    for file in (ROOT / "images").glob("*/Dockerfile"):
        bases = [line.split()[1] for line in file.read_text().splitlines() if line.startswith("FROM ")]
        assert set(bases) <= {"${BASE}", "${PYTHON_BASE}"}, file
