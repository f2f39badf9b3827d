"""What travels in protobuf: generated messages of three gRPC contracts, and tensors of TensorFlow; decides nothing.

The `*_pb2*` files and `tensorflow_serving.binpb` are written by `make stubs`.
"""
