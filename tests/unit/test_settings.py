"""Configuration keys: types, choices, layers, and what wrong values are told."""

import pytest

from pivot.errors import ConfigError, Where
from pivot.settings import KEYS, RemoteSpec, check_value, merge, parse_text


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("core.jobs", "4", 4),
        ("core.fsync", "yes", True),
        ("core.fsync", "OFF", False),
        ("core.hash", "md5", "md5"),
        ("code.roots", "lib, tools", ["lib", "tools"]),
        ("core.resources", "gpu=2,ram=16", {"gpu": 2, "ram": 16}),
        ("core.remote", "origin", "origin"),
    ],
)
def test_texts_become_values(key, text, value):
    assert parse_text(key, text) == value


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("core.jobs", "0", "whole number above 0"),
        ("core.jobs", "many", "whole number above 0"),
        ("core.fsync", "maybe", "true or false"),
        ("core.hash", "md4", "did you mean 'md5'"),
        ("core.resources", "gpu", "names with whole numbers"),
        ("core.resources", "gpu=lots", "names with whole numbers"),
        ("core.remote", "", "takes a text"),
        ("core.job", "1", "did you mean 'core.jobs'"),
        ("zzz", "1", "config list --all"),
    ],
)
def test_wrong_texts_are_told_what_fits(key, text, message):
    with pytest.raises(ConfigError, match=message):
        parse_text(key, text)


def test_a_wrong_value_in_a_file_names_the_place():
    with pytest.raises(ConfigError) as caught:
        check_value("core.jobs", True, Where(".pivot/config.yaml", 3, 5))
    assert str(caught.value).startswith(".pivot/config.yaml:3:5: core.jobs")


def test_later_layers_win_and_remotes_add_up():
    settings = merge(
        [
            (
                "user",
                {"core.jobs": 2, "core.remote": "a"},
                {"o": RemoteSpec("o", "s3://x", {"p": 1})},
            ),
            ("project", {"core.jobs": 4}, {"o": RemoteSpec("o", "", {"q": 2})}),
        ]
    )
    assert settings["core.jobs"] == 4
    assert settings.origins == {"core.jobs": "project", "core.remote": "user"}
    assert settings.remotes["o"] == RemoteSpec("o", "s3://x", {"p": 1, "q": 2})
    assert settings["core.hash"] == "blake3"


def test_options_without_a_url_are_no_remote():
    settings = merge(
        [
            ("user", {}, {"o": RemoteSpec("o", "", {"p": 1})}),
            ("local", {}, {"o": RemoteSpec("o", "", {"q": 2}), "x": RemoteSpec("x", "s3://x")}),
        ]
    )
    assert list(settings.remotes) == ["x"]
    assert settings.unplaced == {"o": ("user", "local")}


def test_every_default_fits_its_own_key():
    for spec in KEYS:
        if spec.default is not None:
            assert check_value(spec.name, spec.default) == spec.default
