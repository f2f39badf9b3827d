"""The anomaly score: a statistic of an image and its reconstruction, and its calibration."""
