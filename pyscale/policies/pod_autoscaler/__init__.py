"""How many pods, and how large: Horizontal and Vertical Pod Autoscaler, KEDA."""
