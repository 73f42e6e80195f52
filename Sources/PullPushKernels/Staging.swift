import KernelInterface

/// Rows as the loops want them: compute scalars, at least one vector long.
///
/// Rows of float32 and float64 are used where they are. Rows of 16-bit floats, and rows shorter than one vector, are
/// copied into scratch first, widened and padded with zeros, which change neither norms nor products.
struct Staging<S: ComputeScalar> {
    let rows: Rows
    let isDirect: Bool
    /// Columns the loops run over.
    let columns: Int

    @inline(__always)
    init(_ rows: Rows) {
        self.rows = rows
        isDirect = rows.isDirect
        columns = isDirect ? rows.dim : S.padded(rows.dim)
    }

    /// The row of this number in the batch; it is in `slot`, `columns` scalars, if it had to be copied.
    @inline(__always)
    func row(_ number: Int, slot: UnsafeMutablePointer<S>) -> UnsafePointer<S> {
        if isDirect { return rows.features.assumingMemoryBound(to: S.self) + number &* rows.stride }
        stage(number, slot)
        return UnsafePointer(slot)
    }

    @inline(never)
    private func stage(_ number: Int, _ slot: UnsafeMutablePointer<S>) {
        let start = rows.features + number &* rows.stride &* rows.element.size
        S.widen(start, rows.element, count: rows.dim, to: slot)
        (slot + rows.dim).update(repeating: 0, count: columns &- rows.dim)
    }

    /// Writes a staged gradient row to where the caller wants it.
    @inline(never)
    func unstage(_ slot: UnsafeMutablePointer<S>, to target: UnsafeMutableRawPointer, accumulate: Bool) {
        if accumulate {
            let before = slot + columns
            S.widen(UnsafeRawPointer(target), rows.element, count: rows.dim, to: before)
            for i in 0..<rows.dim { slot[i] += before[i] }
        }
        S.narrow(UnsafePointer(slot), count: rows.dim, to: target, rows.element)
    }
}

extension Float {
    @inline(never)
    static func widen(_ row: UnsafeRawPointer, _ element: ElementType, count: Int, to result: UnsafeMutablePointer<Float>) {
        let halves = row.assumingMemoryBound(to: UInt16.self)
        switch element {
        case .float16: for i in 0..<count { result[i] = floatFromHalf(halves[i]) }
        case .bfloat16: for i in 0..<count { result[i] = Float(bitPattern: UInt32(halves[i]) &<< 16) }
        default: result.update(from: row.assumingMemoryBound(to: Float.self), count: count)
        }
    }

    @inline(never)
    static func narrow(_ row: UnsafePointer<Float>, count: Int, to result: UnsafeMutableRawPointer, _ element: ElementType) {
        let halves = result.assumingMemoryBound(to: UInt16.self)
        switch element {
        case .float16: for i in 0..<count { halves[i] = halfFromFloat(row[i]) }
        case .bfloat16: for i in 0..<count { halves[i] = brainFromFloat(row[i]) }
        default: result.assumingMemoryBound(to: Float.self).update(from: row, count: count)
        }
    }
}

extension Double {
    static func widen(_ row: UnsafeRawPointer, _: ElementType, count: Int, to result: UnsafeMutablePointer<Double>) {
        result.update(from: row.assumingMemoryBound(to: Double.self), count: count)
    }

    static func narrow(_ row: UnsafePointer<Double>, count: Int, to result: UnsafeMutableRawPointer, _: ElementType) {
        result.assumingMemoryBound(to: Double.self).update(from: row, count: count)
    }
}

// The conversions work on bits, without branches, so that the loops above become vectors on every instruction set.
// Narrowing rounds to nearest, ties to even.

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
