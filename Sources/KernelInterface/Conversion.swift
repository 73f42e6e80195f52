// Between stored elements and the scalars they are computed in. There is one copy of this, for baseline x86-64, whatever
// the kernels' instruction set; exported as an interface so that the kernels' modules do not emit one of their own.

/// Widens `count` elements to compute scalars.
@export(interface)
public func widen(
    _ row: UnsafeRawPointer, _ element: ElementType, count: Int, to result: UnsafeMutableRawPointer
) {
    let halves = row.assumingMemoryBound(to: UInt16.self)
    let floats = result.assumingMemoryBound(to: Float.self)
    switch element {
    case .float16: for i in 0..<count { floats[i] = floatFromHalf(halves[i]) }
    case .bfloat16: for i in 0..<count { floats[i] = Float(bitPattern: UInt32(halves[i]) &<< 16) }
    case .float32, .float64: result.copyMemory(from: row, byteCount: count &* element.size)
    }
}

/// Narrows `count` compute scalars to elements, to nearest, ties to even.
@export(interface)
public func narrow(
    _ row: UnsafeRawPointer, count: Int, to result: UnsafeMutableRawPointer, _ element: ElementType
) {
    let floats = row.assumingMemoryBound(to: Float.self)
    let halves = result.assumingMemoryBound(to: UInt16.self)
    switch element {
    case .float16: for i in 0..<count { halves[i] = halfFromFloat(floats[i]) }
    case .bfloat16: for i in 0..<count { halves[i] = brainFromFloat(floats[i]) }
    case .float32, .float64: result.copyMemory(from: row, byteCount: count &* element.size)
    }
}

// On bits and without branches, so that the loops above become vectors.

@inline(__always)
private func floatFromHalf(_ half: UInt16) -> Float {
    // The exponents' biases differ by 112. Multiplying by 2^112 also gives subnormals their exponent.
    let magnitude = (UInt32(half) & 0x7FFF) &<< 13
    let finite = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
    let value = magnitude >= 0x0F80_0000 ? magnitude | 0x7F80_0000 : finite
    return Float(bitPattern: value | (UInt32(half) & 0x8000) &<< 16)
}

@inline(__always)
private func halfFromFloat(_ float: Float) -> UInt16 {
    let magnitude = float.bitPattern & 0x7FFF_FFFF
    // Normal: rebias the exponent by -112 and round at bit 13.
    let normal = (magnitude &+ 0xC800_0FFF &+ (magnitude &>> 13) & 1) &>> 13
    // Subnormal: adding 1/2 makes the adder round at 2^-24, the last place of a subnormal binary16.
    let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- 0x3F00_0000
    let finite = magnitude < 0x3880_0000 ? subnormal : normal
    let special: UInt32 = magnitude > 0x7F80_0000 ? 0x7E00 : 0x7C00
    let value = magnitude >= 0x4780_0000 ? special : finite
    return UInt16(truncatingIfNeeded: value | (float.bitPattern &>> 16) & 0x8000)
}

@inline(__always)
private func brainFromFloat(_ float: Float) -> UInt16 {
    let bits = float.bitPattern
    let rounded = (bits &+ 0x7FFF &+ (bits &>> 16) & 1) &>> 16
    let quietNaN = (bits &>> 16) | 0x0040
    return UInt16(truncatingIfNeeded: bits & 0x7FFF_FFFF > 0x7F80_0000 ? quietNaN : rounded)
}
