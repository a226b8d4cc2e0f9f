"""Objects of KServe, whose definitions alone are on the rig: nothing acts on them."""

from __future__ import annotations

from typing import Any

from tests.cluster.api import Json

SERVICES = "serving.kserve.io/v1beta1/inferenceservices"
LLM_SERVICES = "serving.kserve.io/v1alpha2/llminferenceservices"


def inference_service(name: str, namespace: str, **predictor: Any) -> Json:
    """An InferenceService; `predictor` as `minReplicas` and `maxReplicas`."""
    spec = {"predictor": {"model": {"modelFormat": {"name": "vllm"}}} | predictor}
    return _object(SERVICES, "InferenceService", name, namespace, spec)


def llm_inference_service(name: str, namespace: str, **spec: Any) -> Json:
    """An LLMInferenceService; `spec` has `replicas` or `scaling`."""
    model = {"model": {"uri": f"hf://test/{name}", "name": name}}
    return _object(LLM_SERVICES, "LLMInferenceService", name, namespace, model | spec)


def _object(resource: str, kind: str, name: str, namespace: str, spec: Json) -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": resource.rpartition("/")[0], "kind": kind, "metadata": metadata, "spec": spec}
