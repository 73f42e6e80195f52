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
        let norm = rowNorm(row, columns: columns)
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
func rowNorm<S: ComputeScalar>(_ row: UnsafePointer<S>, columns count: Int) -> Double {
    var sum = S.Lanes.zero
    forEachColumns(of: count, S.self) { columns in
        let x = columns.load(row)
        sum = multiplyAdd(columns.unseen(x), x, sum)
    }
    let total = S.total(sum)
    return total < .infinity ? total.squareRoot() : scaledNorm(row, columns: count)
}

@inline(never)
private func scaledNorm<S: ComputeScalar>(_ row: UnsafePointer<S>, columns count: Int) -> Double {
    // A power of two scales without rounding.
    let down: S = S.self == Double.self ? 0x1p-520 : 0x1p-70
    var sum = 0.0
    for column in 0..<count {
        let x = Double(row[column] * down)
        sum += x * x
    }
    return sum.squareRoot() / Double(down)
}
