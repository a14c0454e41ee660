"""How much of a score is luck: stationary bootstrap, its block length, and Sharpe ratios under trials.

Sharpe ratios here are per bar, mean over standard deviation, unless a name says `annual`; kurtosis is the
fourth standardised moment, 3 for a normal distribution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from truebar.arrays import FloatArray
from truebar.compiled import compiled
from truebar.errors import ConfigurationError, TooFewRowsError

N_RESAMPLES: Final = 1_000
"""B of METHOD §6."""

EULER_MASCHERONI: Final = 0.5772156649015329

NORMAL: Final = NormalDist()
"""The standard normal distribution; scipy.stats has it too, at two seconds of import."""

DETECTABLE_SHARPE_AT_ONE_YEAR: Final = 2.49
"""Yearly Sharpe found with 95 % confidence and 80 % power in one year: z(0.95) + z(0.80)."""

CountArray = npt.NDArray[np.int32]
IndexArray = npt.NDArray[np.int64]


@compiled
def _draw_counts(rows: int, mean_block: float, resamples: int, generator: np.random.Generator) -> CountArray:
    """Return int32[resamples, rows]: how often each row is drawn, blocks running round the end."""
    counts = np.zeros((resamples, rows), np.int32)
    log_continue = math.log1p(-1.0 / mean_block) if mean_block > 1.0 else -math.inf
    for resample in range(resamples):
        steps = counts[resample]  # first where blocks begin and end, then summed up
        drawn = 0
        while drawn < rows:
            start = int(generator.random() * rows)
            length = 1 + int(math.log1p(-generator.random()) / log_continue)
            length = min(length, rows - drawn)
            drawn += length
            end = start + length
            steps[start] += 1
            if end < rows:
                steps[end] -= 1
            elif end > rows:
                steps[0] += 1
                steps[end - rows] -= 1
        running = 0
        for row in range(rows):
            running += steps[row]
            steps[row] = running
    return counts


@compiled
def _draw_rows(rows: int, mean_block: float, resamples: int, generator: np.random.Generator) -> IndexArray:
    """Return int64[resamples, rows], the rows themselves, of the same draws as `_draw_counts`."""
    drawn_rows = np.empty((resamples, rows), np.int64)
    log_continue = math.log1p(-1.0 / mean_block) if mean_block > 1.0 else -math.inf
    for resample in range(resamples):
        drawn = 0
        while drawn < rows:
            start = int(generator.random() * rows)
            length = 1 + int(math.log1p(-generator.random()) / log_continue)
            length = min(length, rows - drawn)
            for step in range(length):
                drawn_rows[resample, drawn + step] = (start + step) % rows
            drawn += length
    return drawn_rows


def _check_bootstrap(rows: int, mean_block: float, n_resamples: int) -> None:
    if rows < 1 or n_resamples < 1 or not (1 <= mean_block < math.inf):
        raise ConfigurationError(
            f"a stationary bootstrap of {rows} rows with mean block {mean_block} and {n_resamples} resamples "
            "is not possible; expected at least 1 of each, and a finite block."
        )


def stationary_bootstrap(
    n_rows: int, *, mean_block: float, n_resamples: int = N_RESAMPLES, generator: np.random.Generator
) -> IndexArray:
    """Return int64[n_resamples, n_rows], row indices of stationary-bootstrap resamples.

    Blocks begin at uniform rows, have geometric lengths of mean `mean_block`, and run round the end
    (Politis & Romano 1994). Take `values[indices]` and compute the statistic of each resample.

    Args:
        n_rows: rows in time order.
        mean_block: mean block length in rows, at least 1; see `mean_block_length`.
        n_resamples: B.
        generator: source of randomness; the same state gives the same resamples.

    Raises:
        ConfigurationError: for counts or a block below 1.

    >>> rows = stationary_bootstrap(5, mean_block=2, n_resamples=3, generator=np.random.default_rng(0))
    >>> rows.shape
    (3, 5)
    """
    _check_bootstrap(n_rows, mean_block, n_resamples)
    return _draw_rows(int(n_rows), float(mean_block), int(n_resamples), generator)


def bootstrap_counts(
    n_rows: int, *, mean_block: float, n_resamples: int = N_RESAMPLES, generator: np.random.Generator
) -> CountArray:
    """Return int32[n_resamples, n_rows]: how often each resample of `stationary_bootstrap` has each row.

    The same generator state gives the same resamples in both forms; counts are faster where a statistic
    can weigh its rows. Same arguments and errors.
    """
    _check_bootstrap(n_rows, mean_block, n_resamples)
    return _draw_counts(int(n_rows), float(mean_block), int(n_resamples), generator)


def autocovariances(series: npt.ArrayLike, lags: int) -> FloatArray:
    """Return float64[lags + 1], Σ (x_t - x̄)(x_{t+k} - x̄) / n for k = 0 … lags."""
    values = np.asarray(series, dtype=np.float64)
    centred = values - values.mean()
    length = 1 << int(2 * values.size - 1).bit_length()
    spectrum = np.fft.rfft(centred, length)
    products = np.fft.irfft(spectrum * np.conj(spectrum), length)
    return np.asarray(products[: lags + 1] / values.size)


def _significant_lags(series: FloatArray, most: int, run: int) -> int:
    """Return M of Politis & White (2004, §3.2): twice the first lag after which `run` lags are all noise.

    As in Patton's own implementation the first lag of the quiet run counts, so that M is at least 2.
    """
    rows = series.size
    centred = series - series.mean()
    bound, quiet = 2 * math.sqrt(math.log10(rows) / rows), 0
    for lag in range(1, most):
        early, late = centred[:-lag], centred[lag:]
        # Scaled as there: each end's sum of squares leaves out one value more.
        scale = math.sqrt(float(early[:-1] @ early[:-1]) * float(late[1:] @ late[1:]))
        quiet = quiet + 1 if abs(float(early @ late)) < bound * scale else 0
        if quiet == run:
            return min(2 * (lag - run + 1), most)
    return most


def optimal_block_length(series: npt.ArrayLike) -> float:
    """Return the mean block length of the stationary bootstrap that suits the mean of `series`.

    Politis & White (2004) with the correction of Patton, Politis & White (2009), as their published code:
    flat-top lag window, c = 2, K = max(5, log10 n), at most min(3√n, n/3). 1 for a constant or tiny series.

    Args:
        series: float[n] in time order, finite.

    Raises:
        ConfigurationError: when a value is not finite.
    """
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 1 or not np.all(np.isfinite(values)):
        raise ConfigurationError(f"a block length needs finite values in time order; found {values.shape}.")
    rows = values.size
    if rows < 10 or np.ptp(values) == 0:
        return 1.0
    run = max(5, int(math.log10(rows)))
    most = math.ceil(math.sqrt(rows)) + run
    if most + 2 > rows:
        return 1.0
    lags = _significant_lags(values, most, run)
    covariance = autocovariances(values, lags)
    steps = np.arange(1, lags + 1)
    window = np.minimum(1.0, 2 * (1 - steps / lags))
    spread = 2 * float(np.sum(window * steps * covariance[1:]))  # G of the paper
    long_run = float(covariance[0]) + 2 * float(np.sum(window * covariance[1:]))
    if long_run == 0:
        return 1.0
    block = (spread**2 / long_run**2) ** (1 / 3) * rows ** (1 / 3)
    return float(min(max(block, 1.0), math.ceil(min(3 * math.sqrt(rows), rows / 3))))


def mean_block_length(influence: npt.ArrayLike, *, horizon_bars: int) -> float:
    """Return the mean block of METHOD §6: max(2h, Politis-White of the influence series), at most 3√n.

    Args:
        influence: float[n], influence of each row on the statistic, in time order.
        horizon_bars: h, bars that one label spans.
    """
    values = np.asarray(influence, dtype=np.float64)
    wanted = max(2.0 * horizon_bars, optimal_block_length(values))
    return float(max(1.0, min(wanted, 3 * math.sqrt(max(values.size, 1)))))


def bootstrap_standard_error(series: npt.ArrayLike, *, mean_block: float) -> float:
    """Return the standard deviation of the stationary-bootstrap mean of `series`, without drawing.

    Politis & Romano (1994, Lemma 1): n · variance = γ₀ + 2 Σ b_i γ_i with
    b_i = (1 - i/n)(1-p)^i + (i/n)(1-p)^{n-i} and p = 1 / mean_block.

    Raises:
        ConfigurationError: for an empty series or a block below 1.
    """
    values = np.asarray(series, dtype=np.float64)
    _check_bootstrap(values.size, mean_block, 1)
    rows, keep = values.size, 1 - 1 / mean_block
    covariance = autocovariances(values, rows - 1)
    lag = np.arange(1, rows)
    weights = (1 - lag / rows) * keep**lag + lag / rows * keep ** (rows - lag)
    total = float(covariance[0]) + 2 * float(np.sum(weights * covariance[1:]))
    return math.sqrt(max(total, 0.0) / rows)


def probabilistic_sharpe_ratio(
    sharpe: float, *, n: int, skew: float, kurtosis: float, benchmark: float = 0.0
) -> float:
    """Return the probability that the true Sharpe ratio exceeds `benchmark`.

    Bailey & López de Prado (2012, eq. 11): Φ((SR - SR₀) √(n-1) / √(1 - γ₃ SR + (γ₄ - 1)/4 · SR²)).

    Args:
        sharpe: observed, per bar.
        n: how many returns it rests on.
        skew: γ₃ of the returns.
        kurtosis: γ₄ of the returns, 3 for a normal distribution.
        benchmark: SR₀, per bar.

    Raises:
        ConfigurationError: with fewer than 2 returns, or moments that no returns can have.

    >>> round(probabilistic_sharpe_ratio(0.458, n=24, skew=-2.448, kurtosis=10.164), 3)
    0.913
    """
    variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if n < 2 or not variance > 0:
        raise ConfigurationError(
            f"no probability for a Sharpe ratio of {sharpe} from {n} returns with skew {skew} and kurtosis "
            f"{kurtosis}; expected at least 2 returns, and kurtosis ≥ 1 + skew²."
        )
    return float(NORMAL.cdf((sharpe - benchmark) * math.sqrt(n - 1) / math.sqrt(variance)))


def expected_max_sharpe(n_trials: float, *, standard_deviation: float) -> float:
    """Return the expected largest Sharpe ratio of independent trials without skill; 0 for one trial.

    Bailey & López de Prado (2014, eq. 1): sd · ((1 - γ) Φ⁻¹(1 - 1/N) + γ Φ⁻¹(1 - 1/(N e))).

    Raises:
        ConfigurationError: with fewer than one trial or a negative standard deviation.

    >>> round(expected_max_sharpe(100, standard_deviation=(0.5 / 250) ** 0.5), 4)
    0.1132
    """
    if not n_trials >= 1 or not standard_deviation >= 0:
        raise ConfigurationError(
            f"{n_trials} trials with standard deviation {standard_deviation}; expected ≥ 1."
        )
    if n_trials == 1:
        return 0.0
    largest = (1 - EULER_MASCHERONI) * NORMAL.inv_cdf(1 - 1 / n_trials)
    return float(
        standard_deviation * (largest + EULER_MASCHERONI * NORMAL.inv_cdf(1 - 1 / (n_trials * math.e)))
    )


def deflated_sharpe_ratio(
    sharpe: float,
    *,
    n: int,
    skew: float,
    kurtosis: float,
    n_trials: float,
    standard_deviation: float | None = None,
) -> float:
    """Return the probability that the true Sharpe ratio beats the best of `n_trials` without skill.

    Bailey & López de Prado (2014, eq. 2): the probabilistic Sharpe ratio against `expected_max_sharpe`.

    Args:
        sharpe: observed, per bar.
        n: how many returns it rests on.
        skew: γ₃ of the returns.
        kurtosis: γ₄ of the returns, 3 for a normal distribution.
        n_trials: N, on the vault the distinct recipes that looked at it.
        standard_deviation: of the trials' Sharpe ratios; 1/√n (that of no skill) by default.

    Raises:
        ConfigurationError: as the two functions it is made of.

    >>> daily = 2.5 / 250**0.5
    >>> round(deflated_sharpe_ratio(
    ...     daily, n=1250, skew=-3, kurtosis=10, n_trials=100, standard_deviation=(0.5 / 250) ** 0.5), 4)
    0.9004
    """
    spread = 1 / math.sqrt(n) if standard_deviation is None and n > 0 else standard_deviation
    benchmark = expected_max_sharpe(n_trials, standard_deviation=0.0 if spread is None else spread)
    return probabilistic_sharpe_ratio(sharpe, n=n, skew=skew, kurtosis=kurtosis, benchmark=benchmark)


def min_detectable_sharpe(years: float) -> float:
    """Return the true yearly Sharpe that `years` of data show with 95 % confidence and 80 % power.

    Raises:
        ConfigurationError: when years is not positive.

    >>> round(min_detectable_sharpe(73 / 365), 1)
    5.6
    """
    if not years > 0:
        raise ConfigurationError(f"years is {years}; expected more than 0.")
    return DETECTABLE_SHARPE_AT_ONE_YEAR / math.sqrt(years)


@dataclass(frozen=True)
class Overfitting:
    """How often the best trial of one half is among the worse ones of the other; never part of a verdict.

    Attributes:
        probability: share of splits in which the best trial in sample is not above the median out of sample.
        slope: of the best trial's Sharpe ratio out of sample on that in sample, over the splits.
        n_trials: trials compared.
        left_out: trials without variance in some split.
        n_splits: ways to halve the blocks.
    """

    probability: float
    slope: float
    n_trials: int
    left_out: int
    n_splits: int


def _half_sharpes(returns: FloatArray, blocks: int) -> tuple[FloatArray, FloatArray]:
    """Return float[splits, trials], Sharpe ratios in and out of sample; NaN without variance."""
    parts = np.array_split(returns, blocks)
    halves = np.array(list(combinations(range(blocks), blocks // 2)))
    chosen = np.zeros((len(halves), blocks))
    np.put_along_axis(chosen, halves, 1.0, axis=1)
    counts = np.array([float(len(part)) for part in parts])
    first, second = (np.array([(part**power).sum(axis=0) for part in parts]) for power in (1, 2))

    def sharpe(weights: FloatArray) -> FloatArray:
        rows = (weights @ counts)[:, None]
        mean = weights @ first / rows
        variance = weights @ second / rows - mean**2
        # What rounding leaves of a constant series is no variance.
        varies = variance > 1e-12 * (weights @ second / rows)
        return np.where(varies, mean / np.sqrt(np.where(varies, variance, 1.0)), np.nan)

    return sharpe(chosen), sharpe(1.0 - chosen)


def probability_of_backtest_overfitting(returns: npt.ArrayLike, *, blocks: int = 16) -> Overfitting:
    """Return how far the choice of the best trial is luck, by symmetric cross-validation.

    Bailey, Borwein, López de Prado & Zhu (2017): time is cut into `blocks`; in each way to take half of
    them the trial with the best Sharpe ratio is looked up in the other half.

    Args:
        returns: float[bars, trials], net per-bar returns of finished trials on common rows, in time order.
        blocks: S, even.

    Raises:
        ConfigurationError: when blocks is odd or below 2, or a return is not finite.
        TooFewRowsError: with fewer bars than two a block, or fewer than two trials that vary.
    """
    values = np.asarray(returns, dtype=np.float64)
    if values.ndim != 2 or blocks < 2 or blocks % 2 or not np.all(np.isfinite(values)):
        raise ConfigurationError(
            f"expected finite returns[bars, trials] and an even number of blocks; found {values.shape} "
            f"and {blocks}."
        )
    if values.shape[0] < 2 * blocks:
        raise TooFewRowsError(f"{values.shape[0]} bars are too few for {blocks} blocks of at least 2.")
    inside, outside = _half_sharpes(values, blocks)
    varies = np.isfinite(inside).all(axis=0) & np.isfinite(outside).all(axis=0)
    inside, outside = inside[:, varies], outside[:, varies]
    trials, splits = inside.shape[1], len(inside)
    if trials < 2:
        raise TooFewRowsError(
            f"{trials} of {values.shape[1]} trials vary in every split; at least 2 are needed."
        )
    best = inside.argmax(axis=1)[:, None]
    theirs, here = np.take_along_axis(outside, best, axis=1), np.take_along_axis(inside, best, axis=1)[:, 0]
    below, equal = (outside < theirs).sum(axis=1), (outside == theirs).sum(axis=1)
    rank = (below + (equal + 1) / 2) / (trials + 1)
    slope = float(np.polyfit(here, theirs[:, 0], 1)[0]) if np.ptp(here) > 0 else 0.0
    return Overfitting(float(np.mean(rank <= 0.5)), slope, trials, values.shape[1] - trials, splits)
