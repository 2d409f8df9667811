"""What boxes tell the engines of many boxes: figures for Prometheus; nothing waits for them."""
