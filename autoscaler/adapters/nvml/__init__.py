"""GPUs of this machine, as the driver tells of them through NVML."""
