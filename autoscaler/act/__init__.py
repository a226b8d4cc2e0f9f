"""Plan + inventory -> actions: idempotent differences. Pure; the controller applies them."""
