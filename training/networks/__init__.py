"""Recipe -> Keras models; know no data and no loss."""
