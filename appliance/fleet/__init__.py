"""Monitoring of many boxes: Prometheus metrics, MQTT events; call control never waits."""
