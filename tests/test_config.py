"""The settings: what each takes and refuses, and that nothing secret is ever shown."""

import hashlib
import os
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clothing.addresses import MailServer, mail_server
from clothing.config import PROJECT, SETTINGS, Config, ErrorThreshold, Setting, cores
from clothing.environment import environment
from clothing.errors import ConfigError
from tests.needs import as_a_user

HASH = "0123456789abcdef" * 4

ACCOUNT = "https://shop.blob.core.windows.net"
BY_KEY = "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=aHVudGVyMg==;"
BY_SIGNATURE = f"BlobEndpoint={ACCOUNT}/;SharedAccessSignature=sv=2025&sig=hunter2"

TOKEN_URL = "mssql+pyodbc://shop.database.windows.net/returns"
LOGIN_URL = "mssql+pyodbc://clothing:hunter2%21@127.0.0.1:1433/returns"
DRIVER = "?driver=ODBC+Driver+18+for+SQL+Server&TrustServerCertificate=yes"
WEBHOOK = "https://hooks.slack.com/services/T0/B0/hunter2"
MAIL = "smtp://night:hunter2@mail.example:587/?from=night@shop.example&to=desk@shop.example"
HIDDEN = [
    "mssql+pyodbc://clothing@server/night",
    "mssql+pyodbc://:hunter2@server/night",
    "mssql+pyodbc://clothing:hunter2@server",
    "mssql+pyodbc://clothing:hunter2@server/night?odbc_connect=hunter2",
    "mssql+pyodbc://server/night?UID=sa&PWD=hunter2",
    "mssql+pyodbc://server/night?Authentication=ActiveDirectoryInteractive",
    "mssql+pyodbc://server/night?driver",
    f"{TOKEN_URL}?TrustServerCertificate=Yes",
    f"{TOKEN_URL}?encrypt=no",
    "Server=tcp:server,1433;Database=night;Uid=sa;Pwd=hunter2",
    "Server=tcp:server;Password = hunter2;",
    "sa:hunter2@server/night",
]

KEYS = f"hunter2:read,run:{64 * 'a'};\tdesk:review:{64 * 'b'}"

ACCEPTED: list[tuple[str, str, Any]] = [
    ("STORAGE_URL", "file:.", PROJECT),
    ("STORAGE_URL", "file:shop/photos", PROJECT / "shop" / "photos"),
    ("STORAGE_URL", "file:/photos", Path("/photos")),
    ("STORAGE_URL", "file:///photos/of%20today", Path("/photos/of today")),
    ("STORAGE_URL", "file:/photos/%23%3F", Path("/photos/#?")),
    ("STORAGE_URL", ACCOUNT, ACCOUNT),
    ("STORAGE_URL", "https://Shop.blob.core.windows.net/", ACCOUNT),
    (
        "STORAGE_URL",
        "https://a1.z07.blob.storage.azure.net",
        "https://a1.z07.blob.storage.azure.net",
    ),
    ("AZURE_STORAGE_CONNECTION_STRING", BY_KEY, BY_KEY),
    ("AZURE_STORAGE_CONNECTION_STRING", BY_SIGNATURE, BY_SIGNATURE),
    ("AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true", "UseDevelopmentStorage=true"),
    ("IMAGES_CONTAINER", "returns", "returns"),
    ("IMAGES_CONTAINER", "shop/returns of today", "shop/returns of today"),
    ("MODEL_CONTAINER", "models", "models"),
    ("MODEL_BLOB", "v2/model.keras", "v2/model.keras"),
    ("MODEL_SHA256", HASH, HASH),
    ("MODEL_SHA256", HASH.upper(), HASH),
    ("DATABASE_URL", "sqlite:///night.db", f"sqlite:///{(PROJECT / 'night.db').as_posix()}"),
    ("DATABASE_URL", "sqlite:////var/night.db", "sqlite:////var/night.db"),
    ("DATABASE_URL", "sqlite:////var/my%20night.db", "sqlite:////var/my night.db"),
    ("DATABASE_URL", TOKEN_URL, TOKEN_URL),
    ("DATABASE_URL", LOGIN_URL, LOGIN_URL),
    ("DATABASE_URL", LOGIN_URL + DRIVER, LOGIN_URL + DRIVER),
    ("DATABASE_URL", "mssql+pyodbc://[::1]:1433/shop", "mssql+pyodbc://[::1]:1433/shop"),
    ("API_KEY", "a key", "a key"),
    ("API_KEYS", KEYS, KEYS),
    ("SECRET_KEY", "a secret", "a secret"),
    ("NOTIFY_WEBHOOK", WEBHOOK, WEBHOOK),
    ("NOTIFY_WEBHOOK", "http://127.0.0.1:8065/hooks/1", "http://127.0.0.1:8065/hooks/1"),
    ("SMTP_URL", MAIL, MAIL),
    ("BATCH_SIZE", "1", 1),
    ("BATCH_SIZE", "4096", 4096),
    ("DOWNLOAD_THREADS", "256", 256),
    ("DECODE_THREADS", "3", 3),
    ("RUN_WAIT_SECONDS", "0", 0),
    ("RUN_WAIT_SECONDS", "220", 220),
    ("ERROR_THRESHOLD", "0", ErrorThreshold(number=0)),
    ("ERROR_THRESHOLD", "25", ErrorThreshold(number=25)),
    ("ERROR_THRESHOLD", "0%", ErrorThreshold(share=0)),
    ("ERROR_THRESHOLD", "2.5%", ErrorThreshold(share=0.025)),
    ("ERROR_THRESHOLD", "100%", ErrorThreshold(share=1)),
    ("BLIND_SHARE", "0%", 0.0),
    ("BLIND_SHARE", "2.5%", 0.025),
    ("BLIND_SHARE", "100%", 1.0),
    ("TZ", "Europe/Berlin", ZoneInfo("Europe/Berlin")),
    ("TZ", ":Europe/Berlin", ZoneInfo("Europe/Berlin")),
    ("LOG_FORMAT", "json", "json"),
    ("LOG_FORMAT", "JSON", "json"),
    ("LOG_LEVEL", "debug", "debug"),
    ("LOG_LEVEL", "INFO", "info"),
    ("KEY_ATTEMPTS", "3", 3),
    ("HOST", "0.0.0.0", "0.0.0.0"),
    ("HOST", "::1", "::1"),
    ("PORT", "1", 1),
    ("PORT", "65535", 65535),
]

REFUSED: list[tuple[str, str]] = [
    ("STORAGE_URL", "/photos"),
    ("STORAGE_URL", "photos"),
    ("STORAGE_URL", "file:"),
    ("STORAGE_URL", "file://server/photos"),
    ("STORAGE_URL", "ftp://server/photos"),
    ("STORAGE_URL", "file:/photos #1"),
    ("STORAGE_URL", "file:/photos?today"),
    ("STORAGE_URL", "file://[photos"),
    ("STORAGE_URL", "http://shop.blob.core.windows.net"),
    ("STORAGE_URL", "https://shop.example"),
    ("STORAGE_URL", "https://shop.blob.core.windows.net:443"),
    ("STORAGE_URL", "https://shop.blob.core.windows.net/images"),
    ("STORAGE_URL", "https://.blob.core.windows.net"),
    ("IMAGES_CONTAINER", "/images"),
    ("IMAGES_CONTAINER", "a\\b"),
    ("MODEL_CONTAINER", "/model"),
    ("MODEL_CONTAINER", "a\0b"),
    ("MODEL_BLOB", "/model.keras"),
    ("MODEL_SHA256", HASH[:-1]),
    ("MODEL_SHA256", HASH + "0"),
    ("MODEL_SHA256", "x" * 64),
    ("DATABASE_URL", "night.db"),
    ("DATABASE_URL", "sqlite://night.db"),
    ("DATABASE_URL", "sqlite:///"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("DATABASE_URL", "mysql://server/night"),
    ("DATABASE_URL", "mssql://server/night"),
    ("DATABASE_URL", "mssql+pymssql://server/night"),
    ("DATABASE_URL", "mssql+pyodbc://server"),
    ("DATABASE_URL", "mssql+pyodbc://server/"),
    ("DATABASE_URL", "mssql+pyodbc:///night"),
    ("DATABASE_URL", "mssql+pyodbc://server/night/extra"),
    ("DATABASE_URL", "mssql+pyodbc://server:0/night"),
    ("DATABASE_URL", "mssql+pyodbc://server:65536/night"),
    ("DATABASE_URL", "mssql+pyodbc://server\\instance/night"),
    ("DATABASE_URL", "mssql+pyodbc://server;UID=sa/night"),
    ("DATABASE_URL", "mssql+pyodbc://server/night#1"),
    ("BATCH_SIZE", "0"),
    ("BATCH_SIZE", "4097"),
    ("BATCH_SIZE", "-1"),
    ("BATCH_SIZE", "64.0"),
    ("BATCH_SIZE", "many"),
    ("DOWNLOAD_THREADS", "0"),
    ("DOWNLOAD_THREADS", "257"),
    ("DECODE_THREADS", "0"),
    ("DECODE_THREADS", "all"),
    ("RUN_WAIT_SECONDS", "-1"),
    ("RUN_WAIT_SECONDS", "221"),
    ("ERROR_THRESHOLD", "-1"),
    ("ERROR_THRESHOLD", "0.5"),
    ("ERROR_THRESHOLD", "101%"),
    ("ERROR_THRESHOLD", "-1%"),
    ("ERROR_THRESHOLD", "nan%"),
    ("ERROR_THRESHOLD", "%"),
    ("ERROR_THRESHOLD", "some"),
    ("BLIND_SHARE", "101%"),
    ("BLIND_SHARE", "1"),
    ("BLIND_SHARE", "0.02"),
    ("BLIND_SHARE", "-1%"),
    ("BLIND_SHARE", "nan%"),
    ("BLIND_SHARE", "%"),
    ("TZ", "Europe"),
    ("TZ", "Europe/Atlantis"),
    ("TZ", "../etc/passwd"),
    ("TZ", ":"),
    ("LOG_FORMAT", "xml"),
    ("LOG_LEVEL", "trace"),
    ("KEY_ATTEMPTS", "0"),
    ("HOST", "/socket"),
    ("PORT", "0"),
    ("PORT", "65536"),
    ("PORT", "http"),
]

TAKE_ANY_TEXT = {"API_KEY", "SECRET_KEY"}

EXAMPLES = {
    "AZURE_STORAGE_CONNECTION_STRING": BY_SIGNATURE,
    "API_KEYS": KEYS,
    "NOTIFY_WEBHOOK": WEBHOOK,
    "SMTP_URL": MAIL,
}
"""Of secrets that do not take any text."""

BY_NAME: dict[str, Setting] = {setting.name: setting for setting in SETTINGS}


@pytest.mark.parametrize(("name", "received", "value"), ACCEPTED)
def test_a_good_value_is_taken(name: str, received: str, value: Any) -> None:
    config = Config.from_env({name: received})

    assert getattr(config, name.lower()) == value


@pytest.mark.parametrize(("name", "received"), REFUSED)
def test_a_bad_value_is_refused_with_what_was_received_and_what_is_accepted(
    name: str, received: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        Config.from_env({name: received})

    assert str(refusal.value).startswith(f"{name} takes {BY_NAME[name].accepted}.")
    assert repr(received) in str(refusal.value)


def test_every_setting_is_in_the_tables_above() -> None:
    assert {name for name, *_ in ACCEPTED} == set(BY_NAME)
    assert {name for name, _ in REFUSED} == set(BY_NAME) - TAKE_ANY_TEXT - set(EXAMPLES)


def test_the_attributes_are_the_settings_in_the_order_of_the_table() -> None:
    attributes = [item.name for item in fields(Config)]

    assert attributes == [setting.name.lower() for setting in SETTINGS]


def test_nothing_has_to_be_set() -> None:
    config = Config.from_env({})

    assert config.storage_url == PROJECT
    assert config.database_url == f"sqlite:///{(PROJECT / 'var/clothing.db').as_posix()}"
    assert (config.host, config.port) == ("127.0.0.1", 5000)
    assert config.error_threshold == ErrorThreshold(share=0.1)
    assert config.decode_threads >= 1
    assert config.api_key is config.secret_key is config.model_sha256 is None


@pytest.mark.parametrize("percent", range(1, 101))
def test_a_share_is_met_by_exactly_that_share(percent: int) -> None:
    allowed = ErrorThreshold(share=percent / 100)

    for opened in (100, 180, 1000, 100_000):
        assert allowed.allows(percent * opened // 100, opened)
        assert not allowed.allows(percent * opened // 100 + 1, opened)


@pytest.mark.parametrize(
    ("quota", "most"), [("50000 100000", 1), ("150000 100000", 2), ("max 100000", 99), (None, 99)]
)
def test_cores_are_those_that_a_container_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str | None, most: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: range(4), raising=False)
    if quota:
        (tmp_path / "cpu.max").write_text(f"{quota}\n")

    assert cores(tmp_path / "cpu.max") == min(most, 4)


@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_a_blank_value_means_the_default(blank: str) -> None:
    assert Config.from_env(dict.fromkeys(BY_NAME, blank)) == Config.from_env({})


def test_space_around_a_value_does_not_matter() -> None:
    assert Config.from_env({"BATCH_SIZE": " 32\n"}).batch_size == 32


def test_other_variables_do_not_matter() -> None:
    assert Config.from_env({"PATH": "/bin", "BATCH_SIZES": "no"}) == Config.from_env({})


@pytest.mark.parametrize(
    ("name", "received", "attribute"),
    [
        ("STORAGE_URL", "file:shop", "storage_url"),
        ("DATABASE_URL", "sqlite:///shop.db", "database_url"),
    ],
)
def test_relative_addresses_start_at_the_project_wherever_the_program_is_called_from(
    name: str, received: str, attribute: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    address = getattr(Config.from_env({name: received}), attribute)

    assert (PROJECT / "shop").as_posix() in str(address)


def test_a_database_that_sqlite_would_look_for_elsewhere_is_refused() -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        Config.from_env({"DATABASE_URL": "sqlite:///night%3F.db"})


@pytest.mark.parametrize(
    "setting", [item for item in SETTINGS if item.secret], ids=lambda s: s.name
)
def test_a_secret_has_no_default_and_is_never_shown(setting: Setting) -> None:
    secret = EXAMPLES.get(setting.name, "hunter2")
    config = Config.from_env({setting.name: secret})

    assert setting.default == ""
    assert getattr(config, setting.name.lower()) == secret
    assert "hunter2" not in f"{config!r} {config}"


@pytest.mark.parametrize(("name", "received"), REFUSED[:1] + REFUSED[-1:])
def test_a_refusal_of_another_setting_shows_no_secret(name: str, received: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        Config.from_env({name: received, "API_KEY": "hunter2", "SECRET_KEY": "hunter2"})

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "received"),
    [
        *(("DATABASE_URL", address) for address in HIDDEN),
        ("STORAGE_URL", "https://shop.blob.core.windows.net/?sv=2025&sig=hunter2"),
        ("STORAGE_URL", "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=hunter2=="),
        ("STORAGE_URL", "BlobEndpoint=https://shop/;SharedAccessSignature=sv=2025&sig=hunter2"),
        ("STORAGE_URL", "AccountKey=hunter2"),
        ("IMAGES_CONTAINER", "/api_key=hunter2"),
    ],
)
def test_a_password_in_an_address_that_is_refused_is_not_shown(name: str, received: str) -> None:
    with pytest.raises(ConfigError, match=name) as refusal:
        Config.from_env({name: received})

    assert "hunter2" not in str(refusal.value)


def test_a_password_in_an_address_that_is_taken_is_not_shown() -> None:
    config = Config.from_env({"DATABASE_URL": LOGIN_URL})

    assert "hunter2" in config.database_url
    assert "hunter2" not in f"{config!r} {config}"


@pytest.mark.parametrize(
    "received",
    [
        "hunter2",
        f"hunter2:run:{63 * 'a'}",
        f"hunter2:run:{64 * 'g'}",
        f"hunter2::{64 * 'a'}",
        f"hunter2:run,:{64 * 'a'}",
        f"hunter2:run,run:{64 * 'a'}",
        f"hunter2:write:{64 * 'a'}",
        f":run:{64 * 'a'}",
        f"-hunter2:run:{64 * 'a'}",
        f"Hunter2:run:{64 * 'a'}",
        f"hunter2-{20 * 'x'}:run:{64 * 'a'}",
        f"hunter2:run:{64 * 'a'}:more",
        f"hunter2:run:{64 * 'a'} again:read:{64 * 'A'}",
    ],
)
def test_keys_of_another_form_are_refused_and_not_shown(received: str) -> None:
    with pytest.raises(ConfigError, match="API_KEYS takes entries") as refusal:
        Config.from_env({"API_KEYS": received})

    assert "hunter2" not in str(refusal.value).lower()


def test_one_key_has_one_entry() -> None:
    digest = hashlib.sha256(b"sesame").hexdigest()

    with pytest.raises(ConfigError, match="API_KEYS has an entry for the key in API_KEY"):
        Config.from_env({"API_KEY": "sesame", "API_KEYS": f"night:run:{digest.upper()}"})


def test_keys_are_known_by_name_and_scopes() -> None:
    config = Config.from_env({"API_KEY": "sesame", "API_KEYS": KEYS})

    scopes = {key.name: set(key.scopes) for key in config.keys}
    assert scopes == {
        "API_KEY": {"read", "run", "review"},
        "hunter2": {"read", "run"},
        "desk": {"review"},
    }


@pytest.mark.parametrize("key", [{}, {"API_KEY": ""}, {"API_KEY": "  "}])
def test_azure_without_a_key_is_refused(key: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="API_KEY must be set"):
        Config.from_env({"WEBSITE_HOSTNAME": "shop.azurewebsites.net", **key})


def test_azure_with_a_key_is_accepted() -> None:
    environ = {"WEBSITE_HOSTNAME": "shop.azurewebsites.net", "API_KEY": "a key"}

    assert Config.from_env(environ).api_key == "a key"


def test_azure_with_named_keys_only_is_accepted() -> None:
    Config.from_env({"WEBSITE_HOSTNAME": "shop.azurewebsites.net", "API_KEYS": KEYS})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.127", False),
        ("shop.example", False),
        ("127.shop.example", False),
    ],
)
def test_only_this_computer_reaches_a_loopback_address(host: str, loopback: bool) -> None:
    assert Config.from_env({"HOST": host}).is_loopback is loopback


@pytest.mark.parametrize(
    ("threshold", "failed", "opened", "allowed"),
    [
        (ErrorThreshold(number=0), 0, 10, True),
        (ErrorThreshold(number=0), 1, 10, False),
        (ErrorThreshold(number=3), 3, 3, True),
        (ErrorThreshold(number=3), 4, 1000, False),
        (ErrorThreshold(share=0.1), 1, 10, True),
        (ErrorThreshold(share=0.1), 2, 10, False),
        (ErrorThreshold(share=0), 0, 0, True),
        (ErrorThreshold(share=0), 1, 10, False),
        (ErrorThreshold(share=1), 10, 10, True),
    ],
)
def test_a_threshold_allows_as_many_failures_as_it_says(
    threshold: ErrorThreshold, failed: int, opened: int, allowed: bool
) -> None:
    assert threshold.allows(failed, opened) is allowed


@pytest.mark.parametrize("text", ["0", "25", "0%", "0.5%", "2.5%", "7%", "10%", "100%"])
def test_a_threshold_is_shown_as_it_was_set(text: str) -> None:
    assert str(Config.from_env({"ERROR_THRESHOLD": text}).error_threshold) == text


@pytest.mark.parametrize(
    "received",
    [
        "hunter2",
        "AccountKey=hunter2",
        "AccountName=shop",
        "AccountName=shop;AccountKey=hunter2",
        "AccountName=shop;hunter2;AccountKey=aHVudGVyMg==",
        "https://shop.blob.core.windows.net/?sv=2025&sig=hunter2",
    ],
)
def test_a_connection_string_that_is_none_is_refused_and_not_shown(received: str) -> None:
    with pytest.raises(ConfigError, match="AZURE_STORAGE_CONNECTION_STRING takes") as refusal:
        Config.from_env({"AZURE_STORAGE_CONNECTION_STRING": received})

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "received",
    [
        "hunter2",
        "http://hooks.slack.com/services/hunter2",
        "https://night:hunter2@hooks.slack.com/",
        "https://hooks.slack.com/hunter2 1",
        "https://hooks.slack.com:0/hunter2",
        "https:///hunter2",
        "ftp://hooks.slack.com/hunter2",
    ],
)
def test_a_webhook_whose_address_others_could_read_is_refused_and_not_shown(received: str) -> None:
    with pytest.raises(ConfigError, match="NOTIFY_WEBHOOK takes") as refusal:
        Config.from_env({"NOTIFY_WEBHOOK": received})

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "received",
    [
        "hunter2",
        "smtp://night:hunter2@mail.example:587",
        "smtp://night:hunter2@mail.example/?from=a@x.example",
        "smtp://night:hunter2@mail.example/?to=a@x.example",
        "smtp://night:hunter2@mail.example/?from=a@x.example&to=",
        "smtp://night:hunter2@mail.example/?from=a@x.example&to=b",
        "smtp://night:hunter2@mail.example/?from=a@x.example&to=b@y.example%0d%0aDATA",
        "smtp://night:hunter2@mail.example/?from=a@x.example&to=b@y.example&tls=no",
        "smtp://night:hunter2@mail.example/inbox?from=a@x.example&to=b@y.example",
        "smtp://night:hunter2@mail.example:0/?from=a@x.example&to=b@y.example",
        "smtp://:hunter2@mail.example/?from=a@x.example&to=b@y.example",
        "smtp://hunter2@mail.example/?from=a@x.example&to=b@y.example",
        "https://night:hunter2@mail.example/?from=a@x.example&to=b@y.example",
    ],
)
def test_a_mail_server_that_is_none_is_refused_and_not_shown(received: str) -> None:
    with pytest.raises(ConfigError, match="SMTP_URL takes") as refusal:
        Config.from_env({"SMTP_URL": received})

    assert "hunter2" not in str(refusal.value)


def test_a_mail_server_is_read_from_its_address() -> None:
    server = mail_server(
        "smtp://night%40shop:hunter%2F2@mail.example/?from=night+1@x.example&to=a@y.example"
        "&to=b@y.example,c@y.example"
    )

    assert server == MailServer(
        tls=False,
        host="mail.example",
        port=587,
        user="night@shop",
        password="hunter/2",
        sender="night+1@x.example",
        recipients=("a@y.example", "b@y.example", "c@y.example"),
    )
    assert "hunter" not in repr(server)


def test_two_places_for_the_photos_are_refused() -> None:
    with pytest.raises(ConfigError, match="Received: both") as refusal:
        Config.from_env({"AZURE_STORAGE_CONNECTION_STRING": BY_SIGNATURE, "STORAGE_URL": "file:."})

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["no", "n" * 64, "Images", "a_b", "a/b", "a--b", "-ab", "ab-", "äöü"]
)
@pytest.mark.parametrize("setting", ["IMAGES_CONTAINER", "MODEL_CONTAINER"])
def test_a_name_that_azure_takes_for_no_container_is_refused_there(setting: str, name: str) -> None:
    Config.from_env({setting: name})

    with pytest.raises(ConfigError, match=f"{setting} takes, in Azure, 3 to 63 of a-z"):
        Config.from_env({setting: name, "STORAGE_URL": ACCOUNT})


@pytest.mark.parametrize(
    ("environ", "azure"),
    [
        ({}, False),
        ({"STORAGE_URL": "file:shop"}, False),
        ({"STORAGE_URL": ACCOUNT}, True),
        ({"AZURE_STORAGE_CONNECTION_STRING": BY_KEY}, True),
    ],
)
def test_photos_are_in_azure_or_in_folders(environ: dict[str, str], azure: bool) -> None:
    assert Config.from_env(environ).is_in_azure_storage is azure


# The file


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file `.env` of the project, which everybody may reach."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr("clothing.environment.PROJECT", Path(folder))
        yield Path(folder) / ".env"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_file_is_read_under_the_environment(
    written: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    written.write_text("BATCH_SIZE=7\nIMAGES_CONTAINER=größe\nEMPTY=\n", encoding)
    monkeypatch.delenv("BATCH_SIZE")
    monkeypatch.setenv("IMAGES_CONTAINER", "photos")

    variables = environment()

    assert variables["BATCH_SIZE"] == "7"
    assert variables["IMAGES_CONTAINER"] == "photos"
    assert "EMPTY" not in variables


def test_without_a_file_the_environment_is_all(written: Path) -> None:
    assert not written.exists()
    assert environment() == dict(os.environ)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_in_another_encoding_is_said_and_not_shown(written: Path, encoding: str) -> None:
    written.write_text("API_KEY=hunter2ü\n", encoding)

    with pytest.raises(
        ConfigError, match=r"\.env takes UTF-8.*PowerShell.*Save the file"
    ) as refusal:
        environment()

    assert "hunter2" not in "".join(traceback.format_exception(refusal.value)).replace("\0", "")


def test_a_file_that_may_not_be_read_is_said(written: Path) -> None:
    written.write_text("BATCH_SIZE=7\n")
    written.chmod(0)

    with as_a_user(), pytest.raises(ConfigError, match=r"\.env cannot be read: Permission denied"):
        environment()
