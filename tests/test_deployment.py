"""The files that no test can run here: read by the parsers and linters of their kinds."""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pycep import BicepParser
from ruamel.yaml import YAML

from clothing.config import PROJECT, SETTINGS
from clothing.store import Store
from tests.needs import program
from tests.nights import a_night
from tests.serving import KEY, free_port, serving

pytestmark = pytest.mark.slow

SCHEDULE = PROJECT / "deploy" / "schedule"
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
SCRIPTS = sorted([PROJECT / "startup.sh", *(PROJECT / "deploy").rglob("*.sh")])
BICEP = sorted((PROJECT / "infra").glob("*.bicep"))


def tool(name: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run a linter that is installed beside this Python."""
    command = [str(Path(sys.executable).with_name(name)), *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def yaml(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file; `on` is a key there, not true."""
    content: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return content


def text(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shell_scripts_are_clean_executable_and_without_carriage_returns(script: Path) -> None:
    assert b"\r" not in script.read_bytes()
    assert script.read_bytes().startswith(b"#!/bin/sh\n")
    assert os.access(script, os.X_OK)
    checked = tool("shellcheck", script)
    assert checked.returncode == 0, checked.stdout


def test_git_keeps_line_ends_of_scripts_on_windows_too() -> None:
    attributes = text(".gitattributes")

    assert "*.sh text eol=lf" in attributes
    assert "startup.sh text eol=lf" in attributes


# Azure


@pytest.mark.parametrize("file", BICEP, ids=lambda path: path.name)
def test_bicep_is_bicep(file: Path) -> None:
    parsed = BicepParser().parse(text=file.read_text(encoding="utf-8"))

    assert parsed["resources"]


def test_a_broken_bicep_would_be_noticed() -> None:
    with pytest.raises(Exception, match="Unexpected|Expected"):
        BicepParser().parse(text="resource a 'b@1' = {\n  name: \n}\n")


def test_bicep_has_no_key_and_lets_nobody_in_with_one() -> None:
    resources = text("infra/resources.bicep")

    assert "allowSharedKeyAccess: false" in resources
    assert "azureADOnlyAuthentication: true" in resources
    assert resources.count("properties: { allow: false }") == 2  # FTP and basic publishing
    assert "httpsOnly: true" in resources
    assert not re.search(r"listKeys|administratorLoginPassword|AccountKey|@secure", resources)
    for container in ("images", "model"):
        assert re.search(rf"'containers' = {{\n\s+name: '{container}'", resources)
    # App Service's own log of requests has addresses, queries and cookies: docs/privacy.md.
    assert "AppServiceHTTPLogs" not in resources


def test_the_web_app_starts_with_our_script_and_asks_for_readiness() -> None:
    resources = text("infra/resources.bicep")

    assert "appCommandLine: 'startup.sh'" in resources
    assert "WEBSITE_WARMUP_PATH: '/health/ready'" in resources
    assert "CUSTOM_REQUIREMENTSTXT_PATH: 'requirements-serve.txt'" in resources
    assert "param healthCheckPath string = '/health/ready'" in text("infra/main.bicep")


def test_settings_that_azure_gets_are_settings_of_ours() -> None:
    block = text("infra/resources.bicep").split("    ours: {")[1].split("    }\n")[0]
    given = set(re.findall(r"^ {6}([A-Z_0-9]+):", block, re.MULTILINE))

    platform = {
        "AZURE_TOKEN_CREDENTIALS",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "SCM_DO_BUILD_DURING_DEPLOYMENT",
        "CUSTOM_REQUIREMENTSTXT_PATH",
        "WEBSITE_TIME_ZONE",
        "WEBSITE_WARMUP_PATH",
        "WEBSITE_WARMUP_STATUSES",
        "WEBSITES_CONTAINER_START_TIME_LIMIT",
        "WEBJOBS_IDLE_TIMEOUT",
    }
    assert {"STORAGE_URL", "DATABASE_URL", "API_KEY"} <= given
    assert given - platform <= {setting.name for setting in SETTINGS}


def test_settings_that_were_set_by_hand_stay() -> None:
    """A whole new set of them would take `API_KEYS` and the like away at the next provision."""
    written = [path.name for path in BICEP if "name: 'appsettings'" in path.read_text("utf-8")]

    assert written == ["settings.bicep"]
    assert "properties: union(found, ours)" in text("infra/settings.bicep")
    assert "@secure() " in text("infra/settings.bicep").split("param found")[0]
    assert "found: list('${app.id}/config/appsettings'" in text("infra/resources.bicep")


def test_azd_finds_what_it_is_told_to_call() -> None:
    azure = yaml(PROJECT / "azure.yaml")
    hooks = [*azure["hooks"].values(), *azure["services"]["web"]["hooks"].values()]

    called = [word for hook in hooks for word in hook["run"].split() if word.startswith("deploy/")]
    assert called == ["deploy/first_time.sh", "deploy/webjob.sh"]
    assert [name for name in called if not (PROJECT / name).is_file()] == []
    parameters = json.loads(text("infra/main.parameters.json"))["parameters"]
    declared = re.findall(r"^param (\w+)", text("infra/main.bicep"), re.MULTILINE)
    assert set(parameters) <= set(declared)


def test_azd_makes_tables_possible_before_it_deploys() -> None:
    """Without tables the app does not come up, so nothing may tell people to call `azd up`."""
    azure = yaml(PROJECT / "azure.yaml")
    guide = text("docs/azure.md")

    assert set(azure["hooks"]) == {"postprovision"}
    assert set(azure["services"]["web"]["hooks"]) == {"prepackage", "postpackage", "postdeploy"}
    assert not re.search(r"^ *azd up", guide, re.MULTILINE)
    steps = [guide.index(word) for word in ("`azd provision`**", "schema.sql", "`azd deploy`**")]
    assert steps == sorted(steps)


def test_what_azd_packs_says_its_commit(tmp_path: Path) -> None:
    hooks = yaml(PROJECT / "azure.yaml")["services"]["web"]["hooks"]
    revision = tmp_path / "revision.txt"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com"]

    def called(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout

    def packed() -> str | None:
        called("sh", "-ec", hooks["prepackage"]["run"])
        return revision.read_text(encoding="utf-8") if revision.exists() else None

    assert packed() is None  # no repository: nothing is said
    called("git", "init", "--quiet")
    (tmp_path / "app.py").touch()
    called("git", "add", ".")
    called(*git, "commit", "--quiet", "-m", "x")
    called(*git, "tag", "-a", "v1", "-m", "x")
    commit = called("git", "rev-parse", "HEAD")

    assert packed() == commit
    (tmp_path / "app.py").write_text("changed")
    assert packed() == f"{commit.strip()}-dirty\n"
    called("sh", "-ec", hooks["postpackage"]["run"])
    assert not revision.exists()
    assert "revision.txt" not in text(".webappignore")


def test_the_package_is_what_azure_installs(tmp_path: Path) -> None:
    """Packed from the last commit, so it is built from a copy that has all files committed."""
    copy = tmp_path / "copy"
    needed = ("app.py", "startup.sh", "gunicorn.conf.py", "requirements-serve.txt")
    (copy / "clothing").mkdir(parents=True)
    (copy / "clothing" / "__init__.py").write_text("")
    shutil.copytree(PROJECT / "deploy", copy / "deploy")
    for name in needed:
        shutil.copy(PROJECT / name, copy / name)
    git = ["git", "-C", str(copy), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "x"]):
        subprocess.run([*git, *arguments], check=True)

    subprocess.run([copy / "deploy" / "package.sh", "HEAD", tmp_path / "a.zip"], check=True)

    with zipfile.ZipFile(tmp_path / "a.zip") as package:
        names = set(package.namelist())
        assert {*needed, "requirements.txt", "revision.txt", "clothing/__init__.py"} <= names
        assert package.read("requirements.txt") == package.read("requirements-serve.txt")
        assert package.getinfo("startup.sh").external_attr >> 16 & 0o111


# Containers


def test_the_dockerfile_is_clean() -> None:
    checked = tool("hadolint", "Dockerfile")

    assert checked.returncode == 0, checked.stdout


def test_the_container_is_not_root_and_tells_how_it_is() -> None:
    dockerfile = text("Dockerfile")

    assert re.search(r"^USER 10001$", dockerfile, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", dockerfile, re.MULTILINE)
    assert "msodbcsql18" in dockerfile
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    allowed = text(".dockerignore")
    for name in " ".join(copied).split():
        assert (PROJECT / name).exists()
        assert f"!{name}\n" in allowed


def test_the_composition_fits_its_schema_and_has_no_secret_of_its_own() -> None:
    checked = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")
    assert checked.returncode == 0, checked.stdout

    services = yaml(PROJECT / "compose.yaml")["services"]

    assert services["app"]["read_only"] is True
    assert services["app"]["environment"]["API_KEY"].startswith("${API_KEY:?")
    assert services["sql"]["environment"]["MSSQL_SA_PASSWORD"] == "${MSSQL_SA_PASSWORD}"
    given = set(services["app"]["environment"]) - {"AZURE_STORAGE_CONNECTION_STRING"}
    assert given <= {setting.name for setting in SETTINGS}


@pytest.mark.parametrize("name", ["compose.yaml", ".github/workflows/ci.yml"])
def test_azurite_takes_a_client_that_is_newer_than_itself(name: str) -> None:
    _, *started = text(name).split("storage/azurite:")

    assert started
    # As a variable only later versions know it.
    assert all("--skipApiVersionCheck" in after[:200] for after in started)


# GitHub


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_fit_their_schema(workflow: Path) -> None:
    checked = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", workflow)

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_rights_are_few(workflow: Path) -> None:
    content = workflow.read_text(encoding="utf-8")

    used = re.findall(r"uses: (\S+@\S+.*)", content)
    assert [line for line in used if not re.fullmatch(r"\S+@[0-9a-f]{40} # v[\d.]+", line)] == []
    assert yaml(workflow)["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job or "uses" in job for job in yaml(workflow)["jobs"].values())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_call_files_that_exist(workflow: Path) -> None:
    content = workflow.read_text(encoding="utf-8")

    named = re.findall(
        r"(?<![\w/.:-])((?:\./)?(?:deploy|\.ci|infra)/[\w./]+|\./startup\.sh)", content
    )

    assert named
    assert [name for name in named if not (PROJECT / name.rstrip(".")).exists()] == []


@pytest.mark.parametrize(("name", "cron"), [("nightly", "7 23 * * *"), ("overdue", "37 6 * * *")])
def test_github_starts_at_no_full_hour_and_in_the_shops_time_zone(name: str, cron: str) -> None:
    (schedule,) = yaml(PROJECT / ".github" / "workflows" / f"{name}.yml")["on"]["schedule"]

    assert schedule == {"cron": cron, "timezone": "Europe/Berlin"}


# 23:00


def test_the_webjob_starts_at_23_and_never_twice() -> None:
    settings = json.loads((SCHEDULE / "webjob" / "settings.job").read_text(encoding="utf-8"))

    assert settings == {"schedule": "0 0 23 * * *", "is_singleton": True}


def test_cron_starts_at_23() -> None:
    lines = [
        line for line in (SCHEDULE / "crontab").read_text().splitlines() if not line.startswith("#")
    ]

    (line,) = filter(None, lines)
    assert line.startswith("0 23 * * * ")
    assert "%" not in line  # cron would take it for the end of the line
    assert line.endswith('exec "$HOME/clothing-returns/deploy/schedule/nightly.sh"')


def looked(url: str, key: str = KEY) -> tuple[int, str]:
    """Ask as a watch does in the morning; return its exit code and what it printed."""
    done = subprocess.run(
        [SCHEDULE / "overdue.sh"],
        env={"PATH": os.environ["PATH"], "SERVICE_URL": url, "API_KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert key not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_a_watch_is_silent_until_a_night_is_missing(environ: dict[str, str]) -> None:
    environ |= {"HOST": "127.0.0.1", "PORT": str(free_port()), "API_KEY": KEY}
    url = f"http://127.0.0.1:{environ['PORT']}"
    store = Store(environ["DATABASE_URL"])
    store.ready()
    with serving(environ):
        code, said = looked(url + "/")
        assert code == 1
        assert said.startswith("No run has ever succeeded. Is the scheduler set up?")
        a_night(store, days_ago=2)
        assert looked(url) == (
            1,
            f"No run has succeeded for 26 hours. Look at {url}, and at docs/runbook.md.\n",
        )
        a_night(store)
        assert looked(url) == (0, "")
        code, said = looked(url, "another-key")
        assert code == 1
        assert "401" in said and "nobody knows" in said
    store.dispose()
    assert looked("example.com")[0] == 2


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_systemd_takes_timer_and_service(tmp_path: Path) -> None:
    verifier = program("systemd-analyze", package="systemd")
    units = []
    for name in ("clothing-returns.service", "clothing-returns.timer"):
        unit = (SCHEDULE / name).read_text(encoding="utf-8")
        assert name.endswith("timer") or "ExecStart=/opt/clothing-returns/deploy" in unit
        for script in re.findall("(?m)^ExecStart=(.*)", unit):
            _, _, ours = script.partition("/opt/clothing-returns/")
            assert f"install -D {ours} {script}\n" in unit  # its head says how it gets there
        (tmp_path / name).write_text(unit.replace("/opt/clothing-returns", str(PROJECT)))
        units.append(str(tmp_path / name))

    checked = subprocess.run(
        [verifier, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )

    assert "clothing-returns" not in checked.stderr, checked.stderr
    assert "OnCalendar=*-*-* 23:00:00" in (tmp_path / "clothing-returns.timer").read_text()


def test_windows_task_starts_the_command_at_23() -> None:
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    task = ElementTree.parse(SCHEDULE / "windows-task.xml").getroot()

    def found(path: str) -> str:
        element = task.find("/".join(f"t:{step}" for step in path.split("/")), space)
        assert element is not None, path
        return element.text or ""

    order = [child.tag.partition("}")[2] for child in task]
    assert order == ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
    assert found("Triggers/CalendarTrigger/StartBoundary").endswith("T23:00:00")
    assert found("Triggers/CalendarTrigger/ScheduleByDay/DaysInterval") == "1"
    assert found("Settings/MultipleInstancesPolicy") == "IgnoreNew"
    assert found("Actions/Exec/Command") == r"C:\clothing-returns\.venv\Scripts\python.exe"
    assert found("Actions/Exec/Arguments") == "-m clothing run"
    assert found("Actions/Exec/WorkingDirectory") == r"C:\clothing-returns"
