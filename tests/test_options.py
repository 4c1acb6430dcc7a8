"""Options groups: one value for a repeatable setting, two groups at once, the toml's flags."""

from __future__ import annotations

import pytest

from tokkit.data.loading.load import DatasetOptions
from tokkit.data.rebalancing.balance import RebalanceOptions
from tokkit.errors import UsageError
from tokkit.options import merged, merged_pair
from tokkit.tokenizer.training.trainer_options import BpeOptions


def test_one_value_stands_for_a_list_of_it():
    assert merged(BpeOptions, None, {"normalizer": "nfc"}).normalizer == ("nfc",)
    assert merged(BpeOptions, None, {"normalizer": ["nfc", "lowercase"]}).normalizer == ("nfc", "lowercase")
    assert merged(RebalanceOptions, None, {"target": {"joy": 50}}).target == ("joy=50",)


def test_settings_lie_over_the_options_given():
    plan = merged(RebalanceOptions, RebalanceOptions(seed=7, max_per_class=3), {"max_per_class": 5})
    assert (plan.seed, plan.max_per_class) == (7, 5)


def test_each_setting_goes_to_the_group_that_has_it():
    plan, options = merged_pair(RebalanceOptions, None, DatasetOptions, None, {"seed": 3, "sep": ";"})
    assert (plan.seed, options.sep) == (3, ";")
    with pytest.raises(UsageError, match=r'no setting "sepp" \(did you mean "sep"\?\)'):
        merged_pair(RebalanceOptions, None, DatasetOptions, None, {"sepp": ";"})


def test_true_is_no_number():
    with pytest.raises(UsageError, match="--vocab-size: True is not a whole number"):
        BpeOptions(vocab_size=True)
