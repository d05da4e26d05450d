"""The files of deploy/ray, which no test can apply: read by schemas, and held against the code."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from clothing.cli import main
from clothing.config import PROJECT, SETTINGS

pytestmark = pytest.mark.slow

FOLDER = PROJECT / "deploy" / "ray"
SCHEMA = PROJECT / "tests" / "data" / "rayjob.schema.json"
OF_OTHERS = {"AZURE_TOKEN_CREDENTIALS", "RAY_USAGE_STATS_ENABLED"}


def yaml(name: str) -> dict[str, Any]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    content: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return content


def checked(schema: Path, file: Path) -> "subprocess.CompletedProcess[str]":
    tool = str(Path(sys.executable).with_name("check-jsonschema"))
    command = [tool, "--schemafile", str(schema), str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def containers() -> list[dict[str, Any]]:
    cluster = yaml("rayjob.yaml")["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [one for group in groups for one in group["template"]["spec"]["containers"]]


def test_the_job_fits_its_schema() -> None:
    answer = checked(SCHEMA, FOLDER / "rayjob.yaml")

    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("shutdownAfterJobFinishes: true", "shutDownAfterJobFinishes: true"),
        ('num-cpus: "0"', "num-cpus: 0"),
        ("runAsNonRoot: true", "runAsNonRoot: false"),
        ("serviceAccountName: clothing-returns", "serviceaccount: clothing-returns"),
    ],
)
def test_a_slip_in_the_job_would_be_noticed(tmp_path: Path, right: str, wrong: str) -> None:
    text = (FOLDER / "rayjob.yaml").read_text(encoding="utf-8")
    assert right in text
    (tmp_path / "rayjob.yaml").write_text(text.replace(right, wrong), encoding="utf-8")

    assert checked(SCHEMA, tmp_path / "rayjob.yaml").returncode == 1


def test_the_machines_fit_the_schema_that_ray_brings() -> None:
    spec = find_spec("ray")
    assert spec and spec.origin
    schema = Path(spec.origin).parent / "autoscaler" / "ray-schema.json"

    answer = checked(schema, FOLDER / "azure-cluster.yaml")

    assert answer.returncode == 0, answer.stdout


def test_the_machines_take_an_identity_that_exists() -> None:
    machines = yaml("azure-cluster.yaml")

    assert machines["provider"]["type"] == "azure"
    assert {"msi_name", "msi_resource_group"} <= set(machines["provider"])
    assert machines["head_node_type"] in machines["available_node_types"]
    starts = machines["head_start_ray_commands"] + machines["worker_start_ray_commands"]
    assert all("AZURE_CLIENT_ID=" in start for start in starts if "ray start" in start)


def test_heads_walk_no_photo() -> None:
    head = yaml("rayjob.yaml")["spec"]["rayClusterSpec"]["headGroupSpec"]

    assert head["rayStartParams"]["num-cpus"] == "0"
    assert yaml("azure-cluster.yaml")["available_node_types"]["head"]["resources"] == {"CPU": 0}


def test_the_job_and_the_readme_call_a_command_that_exists() -> None:
    options = {word for option in main.commands["run"].params for word in option.opts}
    calls = [yaml("rayjob.yaml")["spec"]["entrypoint"]]
    calls += re.findall(r"python -m clothing run [^'`]*", (FOLDER / "README.md").read_text("utf-8"))

    assert len(calls) == 3
    for call in calls:
        assert call.startswith("python -m clothing run --engine ray")
        assert set(re.findall(r"--\w+", call)) <= options


def test_the_job_sets_settings_of_ours_and_no_secret() -> None:
    secrets = {setting.name for setting in SETTINGS if setting.secret}
    for container in containers():
        given = {entry["name"] for entry in container["env"]}

        assert given - OF_OTHERS <= {setting.name for setting in SETTINGS} - secrets
        assert {"STORAGE_URL", "DATABASE_URL"} <= given


def test_all_of_the_cluster_has_one_image_and_the_version_of_ray_that_is_locked() -> None:
    locked = (PROJECT / "requirements-ray.txt").read_text(encoding="utf-8")
    version = yaml("rayjob.yaml")["spec"]["rayClusterSpec"]["rayVersion"]

    assert len({container["image"] for container in containers()}) == 1
    assert re.search(rf"^ray(\[[a-z]+\])?=={re.escape(version)} ", locked, re.MULTILINE)


def test_the_pods_are_who_the_identity_is_for_and_nobody_else_comes_in() -> None:
    account, network = yaml("identity.yaml"), yaml("network.yaml")
    job = yaml("rayjob.yaml")
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]

    assert account["kind"] == "ServiceAccount"
    assert "azure.workload.identity/client-id" in account["metadata"]["annotations"]
    names = {group["template"]["spec"]["serviceAccountName"] for group in groups}
    assert names == {account["metadata"]["name"]}
    spaces = {one["metadata"]["namespace"] for one in (account, network, job)}
    assert len(spaces) == 1
    assert network["spec"]["podSelector"] == {}
    assert network["spec"]["policyTypes"] == ["Ingress"]


def test_the_image_is_clean_and_gets_what_it_copies() -> None:
    dockerfile = FOLDER / "Dockerfile"
    linted = subprocess.run(
        [str(Path(sys.executable).with_name("hadolint")), str(dockerfile)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout
    copied = re.findall(r"^COPY (\S+) ", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)
    allowed = (PROJECT / ".dockerignore").read_text(encoding="utf-8")
    assert copied and all(f"!{name}\n" in allowed for name in copied)


def test_everything_that_the_readme_links_to_exists() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", (FOLDER / "README.md").read_text(encoding="utf-8"))

    assert targets
    assert [target for target in targets if not (FOLDER / target).exists()] == []
