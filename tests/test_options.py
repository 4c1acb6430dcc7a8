"""Options groups: one value for a repeatable setting, two groups at once, the toml's flags."""

from __future__ import annotations

import pytest

from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.rebalancing.rebalance_options import RebalanceOptions
from tokkit.errors import UsageError
from tokkit.options import apply_settings, apply_to_both, bytes_of
from tokkit.tokenizer.training.trainer_options import BpeOptions


def test_one_value_is_a_list_of_one():
    assert apply_settings(BpeOptions, None, {"normalizer": "nfc"}).normalizer == ("nfc",)
    assert apply_settings(BpeOptions, None, {"normalizer": ["nfc", "lowercase"]}).normalizer == (
        "nfc",
        "lowercase",
    )
    assert apply_settings(RebalanceOptions, None, {"target": {"joy": 50}}).target == ("joy=50",)


def test_settings_replace_the_fields_of_options():
    options = apply_settings(
        RebalanceOptions, RebalanceOptions(seed=7, max_per_class=3), {"max_per_class": 5}
    )
    assert (options.seed, options.max_per_class) == (7, 5)


def test_each_setting_goes_to_the_group_that_has_it():
    options, read_options = apply_to_both(
        RebalanceOptions, None, DatasetOptions, None, {"seed": 3, "sep": ";"}
    )
    assert (options.seed, read_options.sep) == (3, ";")
    with pytest.raises(UsageError, match=r'DatasetOptions: no parameter "sepp" \(did you mean "sep"\?\)'):
        apply_to_both(RebalanceOptions, None, DatasetOptions, None, {"sepp": ";"})


def test_true_is_not_a_number():
    with pytest.raises(UsageError, match="--vocab-size: True is not a whole number"):
        BpeOptions(vocab_size=True)


SIZES = {
    "512": 512,
    "1KB": 1024,
    "512MB": 512 << 20,
    "1.5 GiB": 3 << 29,
    "2g": 2 << 30,
    "1TB": 1 << 40,
    "7 b": 7,
}


@pytest.mark.parametrize("text", SIZES)
def test_sizes_are_powers_of_1024(text):
    assert bytes_of("--memory", text) == SIZES[text]


@pytest.mark.parametrize("text", ["", "0", "0.5", "-1MB", "many", "1 MB 2", "1PB", "1e3"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match=r'--memory: ".*" is not a size'):
        bytes_of("--memory", text)
