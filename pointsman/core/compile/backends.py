"""ModelBackend → Backend: names resolved, durations in seconds, percents as fractions, prices in picos per token."""

from datetime import datetime

from pointsman.core.durations import seconds
from pointsman.core.money import picos_per_token
from pointsman.core.resources import ModelBackend
from pointsman.core.resources.backend import ModelBackendSpec
from pointsman.core.snapshot import (
    Backend,
    ExternalTarget,
    HealthCheck,
    Limits,
    Outlier,
    ReasoningSupport,
    Replaced,
    SecretKey,
    ServiceTarget,
)


def compile_backend(resource: ModelBackend) -> Backend:
    """The compiled form of a valid object."""
    meta, spec, can = resource.metadata, resource.spec, resource.spec.capabilities
    prices = spec.pricing
    return Backend(
        namespace=meta.namespace,
        name=meta.name,
        labels=dict(meta.labels),
        model=spec.model,
        aliases=spec.aliases,
        replaces=_replaces(spec),
        service=_service(spec, meta.namespace),
        external=_external(spec),
        credential=_credential(spec, meta.namespace),
        operations=frozenset(can.operations),
        context_tokens=can.context_tokens,
        output_tokens=can.output_tokens,
        tools=can.tools,
        vision=can.vision,
        json=can.json_output,
        reasoning=ReasoningSupport(
            type=can.reasoning.type, efforts=can.reasoning.efforts, parameter=can.reasoning.parameter
        ),
        input_price=picos_per_token(prices.input),
        cached_input_price=picos_per_token(prices.input if prices.cached_input is None else prices.cached_input),
        output_price=picos_per_token(prices.output),
        quality={str(quality.category): quality.percent / 100 for quality in spec.quality},
        limits=Limits(**spec.limits.model_dump(by_alias=False)),
        load_balancing=spec.load_balancing.type,
        health=HealthCheck(path=spec.health.path, interval=seconds(spec.health.interval)) if spec.health else None,
        outlier=Outlier(
            consecutive_errors=spec.outlier_detection.consecutive_errors,
            base_ejection=seconds(spec.outlier_detection.base_ejection),
            max_ejected=spec.outlier_detection.max_ejected_percent / 100,
        ),
    )


def _replaces(spec: ModelBackendSpec) -> tuple[Replaced, ...]:
    return tuple(
        Replaced(
            name=old.name, not_before=datetime.fromisoformat(old.not_before).timestamp() if old.not_before else 0.0
        )
        for old in spec.replaces
    )


def _service(spec: ModelBackendSpec, home: str) -> ServiceTarget | None:
    ref = spec.endpoints.service_ref
    if ref is None:
        return None
    return ServiceTarget(namespace=ref.namespace or home, name=ref.name, port=ref.port)


def _external(spec: ModelBackendSpec) -> ExternalTarget | None:
    external = spec.endpoints.external
    if external is None:
        return None
    return ExternalTarget(host=external.host.lower(), port=external.port, tls=external.tls)


def _credential(spec: ModelBackendSpec, home: str) -> SecretKey | None:
    if spec.auth is None:
        return None
    ref = spec.auth.secret_key_ref
    return SecretKey(namespace=home, name=ref.name, key=ref.key)
