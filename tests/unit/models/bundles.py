"""A small bundle for tests of bundles and of the store that keeps them."""

from __future__ import annotations

from truebar.config import BacktestConfig, LabelConfig, XgbConfig
from truebar.models.bundle import Bundle, DevFacts, Manifest, Slice
from truebar.models.recipe import Recipe, xgboost_request


def recipe_of(columns: tuple[str, ...], settings: XgbConfig | None = None, **label: object) -> Recipe:
    """Return the recipe of a request that is not searched."""
    model = settings or XgbConfig()
    request = xgboost_request(columns, LabelConfig(**label), model, BacktestConfig())
    return request.freeze(request.label, request.parameters, request.calibrations[0])


def small_bundle(model: bytes = b"{trees}", *, data_digest: str = "d" * 64) -> Bundle:
    """Return a bundle whose model is any bytes."""
    recipe = recipe_of(("a", "b"))
    dev = Slice(start="2024-01-01T00:00:00+00:00", end="2024-06-01T00:00:00+00:00", rows=3_000)
    manifest = Manifest(
        purpose="evaluation",
        training="t" * 64,
        kind="xgboost",
        symbol="BTC-USD",
        timeframe="1h",
        recipe=recipe,
        recipe_digest=recipe.digest(),
        data_digest=data_digest,
        code_digest="c" * 64,
        dev=dev,
        fitted=dev,
        vault=Slice(start="2024-06-02T00:00:00+00:00", end="2024-08-01T00:00:00+00:00", rows=700),
        purged_rows=4,
        facts=DevFacts(
            edge_scale=1.8,
            class_second_moments=(4.0, 0.2, 4.1),
            share_up=0.51,
            class_shares=(0.14, 0.71, 0.15),
        ),
    )
    return Bundle.pack(model=model, calibrator='{"method": "none"}', thresholds="{}", manifest=manifest)
