"""Messages of the kubelet's pod-resources API v1, as far as we read them, made when they are first needed."""

from __future__ import annotations

from functools import cache
from typing import Any

SERVICE = "/v1.PodResourcesLister/List"
MESSAGES: dict[str, tuple[tuple[str, int, str, bool], ...]] = {
    "ListPodResourcesRequest": (),
    "ContainerDevices": (("resource_name", 1, "", False), ("device_ids", 2, "", True)),
    "ContainerResources": (("name", 1, "", False), ("devices", 2, "ContainerDevices", True)),
    "PodResources": (
        ("name", 1, "", False),
        ("namespace", 2, "", False),
        ("containers", 3, "ContainerResources", True),
    ),
    "ListPodResourcesResponse": (("pod_resources", 1, "PodResources", True),),
}  # fmt: skip
"""Fields by message: name, number, the message it is of, or none for a text, and whether there are many."""


@cache
def message(name: str) -> Any:
    """The class of a message. Fields that are not listed above are kept unread, as protobuf does."""
    return _classes()[f"v1.{name}"]


@cache
def _classes() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="podresources_v1.proto", package="v1", syntax="proto3")
    for name, fields in MESSAGES.items():
        made = file.message_type.add(name=name)
        for field, number, of, many in fields:
            made.field.add(
                name=field,
                number=number,
                label=kinds.LABEL_REPEATED if many else kinds.LABEL_OPTIONAL,
                type=kinds.TYPE_MESSAGE if of else kinds.TYPE_STRING,
                type_name=f".v1.{of}" if of else None,
            )
    return message_factory.GetMessages([file], pool=descriptor_pool.DescriptorPool())
