"""How much of a score is luck: stationary bootstrap, its block length, and Sharpe ratios under trials.

Sharpe ratios here are per bar, mean over standard deviation, unless a name says `annual`; kurtosis is the
fourth standardised moment, 3 for a normal distribution.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from truebar.arrays import FloatArray
from truebar.compiled import compiled
from truebar.errors import ConfigurationError

N_RESAMPLES: Final = 1_000
"""B of METHOD §6."""

EULER_MASCHERONI: Final = 0.5772156649015329

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
    return float(norm.cdf((sharpe - benchmark) * math.sqrt(n - 1) / math.sqrt(variance)))


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
    largest = (1 - EULER_MASCHERONI) * norm.ppf(1 - 1 / n_trials)
    return float(standard_deviation * (largest + EULER_MASCHERONI * norm.ppf(1 - 1 / (n_trials * math.e))))


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
