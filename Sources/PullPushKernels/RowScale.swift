import KernelInterface

/// How one row is normalised, `x = scale · f`, and the squared norm of `x`.
struct RowScale {
    var scale: Double
    var square: Double
    /// 1 / (n · scale): the part of the gradient along x that normalising takes away. 0 where x is linear in f.
    var projection: Double

    /// The formulas of `Normalization` for a raw row f. Not inlined: a call a row is cheap, and there are several callers.
    @inline(never)
    init<S: ComputeScalar>(_ row: UnsafePointer<S>, columns: Int, _ normalization: Normalization) {
        let norm = norm(row, columns: columns)
        if normalization == .none {
            self.init(scale: 1, square: norm * norm, projection: 0)
            return
        }
        let threshold = normalization == .l2 ? 1e-12 : 1e-5
        // A NaN must not pass for a small norm.
        if norm <= threshold {
            let scale = normalization == .l2 ? 1e12 : 1e5
            self.init(scale: scale, square: (norm * scale) * (norm * scale), projection: 0)
        } else {
            let scale = 1 / (normalization == .l2 ? norm : norm + 1e-7)
            let unit = normalization == .l2 ? 1 + (norm - norm) : norm * scale
            self.init(scale: scale, square: unit * unit, projection: 1 / unit)
        }
    }

    @inline(__always)
    private init(scale: Double, square: Double, projection: Double) {
        self.scale = scale
        self.square = square
        self.projection = projection
    }
}

/// `‖f‖` of one raw row. Rows so large that their squares overflow the compute type are summed in scaled form.
@inline(__always)
private func norm<S: ComputeScalar>(_ row: UnsafePointer<S>, columns: Int) -> Double {
    let square = dot(row, row, columns: columns)
    if square < .infinity { return square.squareRoot() }
    // A power of two scales without rounding.
    let down = S.self == Double.self ? 0x1p-520 : 0x1p-70
    return scaledDot(row, row, columns: columns, down, down).squareRoot() / down
}

/// `scale · a·b`, where `scale · a` is no larger than 1 but a itself may be so large that the sum overflows.
@inline(__always)
func dot<S: ComputeScalar>(_ a: UnsafePointer<S>, _ b: UnsafePointer<S>, columns: Int, scale: Double) -> Double {
    let sum = dot(a, b, columns: columns)
    return sum.isFinite ? sum * scale : scaledDot(a, b, columns: columns, scale, 1)
}

/// `a·b`, with two chains of additions, for one would wait for itself.
@inline(never)
private func dot<S: ComputeScalar>(_ a: UnsafePointer<S>, _ b: UnsafePointer<S>, columns count: Int) -> Double {
    var even = S.Lanes.zero
    var odd = S.Lanes.zero
    var offset = 0
    while offset &+ 2 &* S.laneCount <= count {
        even = multiplyAdd(loadLanes(a + offset), loadLanes(b + offset), even)
        odd = multiplyAdd(loadLanes(a + offset + S.laneCount), loadLanes(b + offset + S.laneCount), odd)
        offset &+= 2 &* S.laneCount
    }
    forEachColumns(from: offset, of: count, S.self) { columns in
        even = multiplyAdd(columns.unseen(columns.load(a)), columns.load(b), even)
    }
    return S.total(even + odd)
}

@inline(never)
private func scaledDot<S: ComputeScalar>(
    _ a: UnsafePointer<S>, _ b: UnsafePointer<S>, columns: Int, _ aScale: Double, _ bScale: Double
) -> Double {
    var sum = 0.0
    for column in 0..<columns { sum += (Double(a[column]) * aScale) * (Double(b[column]) * bScale) }
    return sum
}
