"""How likely is each model the best one? From the draws of a ranking, for a reader who must choose.

The share of draws in which a model is first takes every model for as different from the others as
it looks; where models are near each other that is too sure, because the one that looks best had
luck. So the levels are drawn together first, by as much as noise alone would spread them: levels
are normal around their mean, and the share B of noise in their spread is uniform between 0 and 1
before the scores are seen (the uniform shrinkage prior: Daniels, Canadian Journal of Statistics 27
(1999) 567-578). How sure that is, on known truths: docs/validation.md.
"""

import math
from dataclasses import replace

import numpy as np

from mlbench.stats.bootstrap import Resampling, rng_of
from mlbench.stats.ranks import MacroMeans, single_means
from mlbench.stats.table import Floats
from mlbench.stats.unseen import vary

N_SHARES = 20
"""Values of B that are averaged over."""

_ROUNDING = 1e-9


def probabilities_of_best(means: MacroMeans, resampling: Resampling) -> Floats:
    """Give the probability that each model has the highest mean; they sum to one.

    Models that never differ share theirs. nan for all where the noise of one is not known.
    """
    if means.is_amount:
        logs = (-np.log(-means.estimate), -np.log(-means.replicates))
        means = replace(means, estimate=logs[0], replicates=logs[1])
    noise = _noise(means, resampling)
    n_models = len(means.estimate)
    if np.isnan(noise).any():
        return np.full(n_models, math.nan)
    apart = means.estimate - means.estimate.mean()
    relative = noise - noise.mean(axis=1, keepdims=True)
    if n_models == 1 or not vary(relative).any():
        return _shares_of_top(apart[np.newaxis])
    variance = float(relative.var(axis=0, ddof=1).sum()) / (n_models - 1)
    shares = (np.arange(N_SHARES) + 0.5) / N_SHARES
    squares = float(apart @ apart) / variance
    log_weight = (n_models - 1) / 2 * np.log(shares) - shares * squares / 2
    weight = np.exp(log_weight - log_weight.max())
    # Pulling levels and noise together by the same factor changes no order; so only one is pulled.
    drawn = [_shares_of_top(math.sqrt(1 - share) * apart + relative) for share in shares]
    return np.asarray(weight @ np.stack(drawn) / weight.sum())


def _noise(means: MacroMeans, resampling: Resampling) -> Floats:
    """Give what the draws of each model lie off their mean, with the floor where docs are blind.

    A draw that has no doc of some language says nothing.
    """
    single = single_means(means)
    known = means.replicates[~np.isnan(means.replicates).any(axis=1)]
    if not len(known):
        return np.full_like(means.replicates, math.nan)
    noise = known - known.mean(axis=0)
    noise *= np.sqrt(means.n_clusters / max(means.n_clusters - 1, 1))
    if np.isnan(single.stderr).any():
        return np.full_like(noise, math.nan)
    if single.floor is not None and single.floor.any():
        rng = rng_of(resampling.seed, "unseen docs of the best")
        noise = noise + rng.normal(size=noise.shape) * single.floor
    return np.asarray(noise)


def _shares_of_top(levels: Floats) -> Floats:
    """Give how often each column is the highest; those that are equal share a row."""
    is_top = levels >= levels.max(axis=1, keepdims=True) - _ROUNDING
    return np.asarray((is_top / is_top.sum(axis=1, keepdims=True)).mean(axis=0))


def shares_of_variance(parts: Floats) -> Floats:
    """Give what each column of parts[replicate, part] adds to the variance of their sum.

    The shares sum to one; a part that moves against the others has a negative one. nan where the
    sum does not vary.
    """
    total = parts.sum(axis=1)
    off = total - total.mean()
    if not vary(total[:, np.newaxis])[0]:
        return np.full(parts.shape[1], math.nan)
    return np.asarray(off @ (parts - parts.mean(axis=0)) / (off @ off))
