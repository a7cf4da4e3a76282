/** Field numbers of onnx.proto (IR version 10), by the message that they belong to, as far as graphs are taken apart here. */

// ModelProto.
export const GRAPH = 7;
export const FUNCTIONS = 25;

// GraphProto.
export const NODE = 1;
export const INITIALIZER = 5;
export const INPUT = 11;
export const OUTPUT = 12;

// NodeProto.
export const NODE_INPUT = 1;
export const NODE_OUTPUT = 2;

// TensorProto.
export const TENSOR_NAME = 8;
export const EXTERNAL_DATA = 13;

/** TensorProto.DataType. */
export const ELEMENT = { f32: 1, u8: 2, i8: 3, i32: 6, i64: 7, f16: 10 } as const;
