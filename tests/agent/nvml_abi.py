"""What nvml.h lays down, as far as the stand-in needs it: structures, error codes and the types of functions.

Written from the header and not from pynvml, so that a layout that pynvml has wrong is found.
"""

from __future__ import annotations

from ctypes import CFUNCTYPE, POINTER, Structure, c_char, c_int, c_uint, c_ulonglong, c_void_p

SUCCESS, UNINITIALIZED, INVALID_ARGUMENT, NOT_SUPPORTED, NO_PERMISSION = 0, 1, 2, 3, 4
NOT_FOUND, INSUFFICIENT_SIZE, DRIVER_NOT_LOADED, TIMEOUT = 6, 7, 9, 10
GPU_IS_LOST, LIB_RM_VERSION_MISMATCH, ARGUMENT_VERSION_MISMATCH, UNKNOWN = 15, 18, 25, 999
NOT_AVAILABLE = (1 << 64) - 1
NO_INSTANCE = 0xFFFFFFFF
XID_CRITICAL = 0x8


class Memory(Structure):
    _fields_ = [("total", c_ulonglong), ("free", c_ulonglong), ("used", c_ulonglong)]


class MemoryV2(Structure):
    _fields_ = [
        ("version", c_uint), ("total", c_ulonglong), ("reserved", c_ulonglong), ("free", c_ulonglong),
        ("used", c_ulonglong),
    ]  # fmt: skip


MEMORY_V2 = 40 | 2 << 24
"""NVML_STRUCT_VERSION: size and version."""


class Utilization(Structure):
    _fields_ = [("gpu", c_uint), ("memory", c_uint)]


class ProcessInfo(Structure):
    _fields_ = [
        ("pid", c_uint), ("used", c_ulonglong), ("gpu_instance", c_uint), ("compute_instance", c_uint),
    ]  # fmt: skip


class ProcessSample(Structure):
    _fields_ = [
        ("pid", c_uint), ("at_us", c_ulonglong), ("sm", c_uint), ("memory", c_uint), ("encoder", c_uint),
        ("decoder", c_uint),
    ]  # fmt: skip


class PciInfo(Structure):
    _fields_ = [
        ("bus_id_legacy", c_char * 16), ("domain", c_uint), ("bus", c_uint), ("device", c_uint), ("device_id", c_uint),
        ("subsystem_id", c_uint), ("bus_id", c_char * 32),
    ]  # fmt: skip


class Attributes(Structure):
    _fields_ = [
        ("multiprocessors", c_uint), ("copy_engines", c_uint), ("decoders", c_uint), ("encoders", c_uint),
        ("jpeg", c_uint), ("ofa", c_uint), ("gpu_slices", c_uint), ("compute_slices", c_uint),
        ("memory_mb", c_ulonglong),
    ]  # fmt: skip


class EventData(Structure):
    _fields_ = [
        ("device", c_void_p), ("kind", c_ulonglong), ("data", c_ulonglong), ("gpu_instance", c_uint),
        ("compute_instance", c_uint),
    ]  # fmt: skip


HANDLE, OUT = c_void_p, POINTER(c_uint)
_TYPES = {
    "nvmlInitWithFlags": (c_uint,),
    "nvmlShutdown": (),
    "nvmlSystemGetDriverVersion": (c_void_p, c_uint),
    "nvmlDeviceGetCount_v2": (OUT,),
    "nvmlDeviceGetHandleByIndex_v2": (c_uint, HANDLE),
    "nvmlDeviceGetUUID": (HANDLE, c_void_p, c_uint),
    "nvmlDeviceGetName": (HANDLE, c_void_p, c_uint),
    "nvmlDeviceGetMinorNumber": (HANDLE, OUT),
    "nvmlDeviceGetPciInfo_v3": (HANDLE, c_void_p),
    "nvmlDeviceGetUtilizationRates": (HANDLE, c_void_p),
    "nvmlDeviceGetMemoryInfo": (HANDLE, c_void_p),
    "nvmlDeviceGetMemoryInfo_v2": (HANDLE, c_void_p),
    "nvmlDeviceGetPowerUsage": (HANDLE, OUT),
    "nvmlDeviceGetTemperature": (HANDLE, c_uint, OUT),
    "nvmlDeviceGetComputeRunningProcesses_v3": (HANDLE, OUT, c_void_p),
    "nvmlDeviceGetMPSComputeRunningProcesses_v3": (HANDLE, OUT, c_void_p),
    "nvmlDeviceGetProcessUtilization": (HANDLE, c_void_p, OUT, c_ulonglong),
    "nvmlDeviceGetPcieThroughput": (HANDLE, c_uint, OUT),
    "nvmlDeviceGetMigMode": (HANDLE, OUT, OUT),
    "nvmlDeviceGetMaxMigDeviceCount": (HANDLE, OUT),
    "nvmlDeviceGetMigDeviceHandleByIndex": (HANDLE, c_uint, HANDLE),
    "nvmlDeviceGetGpuInstanceId": (HANDLE, OUT),
    "nvmlDeviceGetComputeInstanceId": (HANDLE, OUT),
    "nvmlDeviceGetAttributes_v2": (HANDLE, c_void_p),
    "nvmlEventSetCreate": (HANDLE,),
    "nvmlEventSetFree": (HANDLE,),
    "nvmlDeviceRegisterEvents": (HANDLE, c_ulonglong, HANDLE),
    "nvmlEventSetWait_v2": (HANDLE, c_void_p, c_uint),
}
FUNCTIONS = {name: CFUNCTYPE(c_int, *types) for name, types in _TYPES.items()}
"""The type of each function by its symbol; all return an error code."""
ERROR_STRING = CFUNCTYPE(c_void_p, c_int)
"""Returns the address of a text that stays."""
