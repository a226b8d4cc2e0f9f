"""Settings: from the command line, else the environment, else a default that is safe; mistakes are one line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoscaler.settings import PREFIX, Settings, SettingsError, read_settings, reference
from autoscaler.telemetry.log import LogFormat


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)


def test_defaults_listen_to_nobody_outside() -> None:
    settings = read_settings()
    assert settings.address == ("127.0.0.1", 8080)
    assert settings.tick_s == 15.0
    assert settings.prometheus is None
    assert settings.log_format is LogFormat.AUTO


def test_the_command_line_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_AUTOSCALER_TICK_S", "30s")
    monkeypatch.setenv("GPU_AUTOSCALER_NAMESPACE", "capacity")
    monkeypatch.setenv("GPU_AUTOSCALER_LISTEN", "[::]:9090")
    assert read_settings().tick_s == 30.0
    monkeypatch.setenv("GPU_AUTOSCALER_TICK_S", "30")
    assert read_settings().tick_s == 30.0
    settings = read_settings(tick_s="1m", namespace=None, policies=Path("here"))
    assert (settings.tick_s, settings.namespace, settings.policies) == (60.0, "capacity", Path("here"))
    assert settings.address == ("::", 9090)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({"tick_s": "soon"}, "setting tick_s (GPU_AUTOSCALER_TICK_S) 'soon': ", id="duration"),
        pytest.param(
            {"tick_s": "0s"}, "setting tick_s (GPU_AUTOSCALER_TICK_S) 0.0: Input should be greater", id="too short"
        ),
        pytest.param({"listen": "8080"}, "setting listen (GPU_AUTOSCALER_LISTEN) '8080': write HOST", id="address"),
        pytest.param({"log_format": "xml"}, "setting log_format (GPU_AUTOSCALER_LOG_FORMAT) 'xml': ", id="choice"),
        pytest.param(
            {"placeholder_labels": '{"team": 1}'},
            "setting placeholder_labels (GPU_AUTOSCALER_PLACEHOLDER_LABELS) '{\"team\": 1}': write a JSON object",
            id="labels",
        ),
        pytest.param(
            {"namespace": "a/b"}, "setting namespace (GPU_AUTOSCALER_NAMESPACE) 'a/b': a name has", id="namespace"
        ),
        pytest.param({"lease_s": "x"}, "setting lease_s (GPU_AUTOSCALER_LEASE_S) 'x': ", id="number"),
    ],
)
def test_a_bad_value_is_one_line(given: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(**given)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(said)


def test_all_mistakes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_AUTOSCALER_TICK_S", "soon")
    with pytest.raises(SettingsError) as caught:
        read_settings(listen="x")
    assert len(str(caught.value).splitlines()) == 2


def test_labels_of_placeholders_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_AUTOSCALER_PLACEHOLDER_LABELS", '{"team": "search", "cost/center": "a,b=c"}')
    monkeypatch.setenv("GPU_AUTOSCALER_PLACEHOLDER_ANNOTATIONS", "team=search")
    with pytest.raises(SettingsError, match=r"PLACEHOLDER_ANNOTATIONS\) 'team=search': write a JSON object of names"):
        read_settings()
    monkeypatch.delenv("GPU_AUTOSCALER_PLACEHOLDER_ANNOTATIONS")
    assert read_settings().placeholder_labels == {"team": "search", "cost/center": "a,b=c"}
    assert read_settings().placeholder_annotations == {}


def test_each_is_described_and_none_can_be_taken_for_what_kubernetes_writes() -> None:
    for name, setting in Settings.model_fields.items():
        assert setting.description, name
        assert not name.endswith(("port", "host", "addr")), name


def test_variables_of_services_beside_us_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_AUTOSCALER_PORT", "tcp://10.0.0.1:8080")
    monkeypatch.setenv("GPU_AUTOSCALER_SERVICE_HOST", "10.0.0.1")
    assert read_settings() == Settings()


def test_the_page_of_settings_is_up_to_date() -> None:
    assert (Path(__file__).parents[2] / "docs" / "settings.md").read_text() == reference()
