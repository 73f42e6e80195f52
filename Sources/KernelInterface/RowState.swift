/// One row at hand.
public struct RowState {
    /// The raw row, in compute scalars.
    public var features: UnsafeRawPointer
    /// The bits of a compute scalar that `Kernels.sumScaled` multiplies the row with.
    public var unit: UInt64
    /// `‖f‖²`, as `Kernels.measure` found it in the compute type.
    public var rawSquare: Double
    public var scale: RowScale
    /// `f·s`, the raw row's product with the sum that `Kernels.sumScaled` wrote.
    public var alongSum: Double
    public var gradient: RowGradient

    @inlinable @inline(__always)
    public mutating func setUnit(_ unit: Double, inDouble: Bool) {
        self.unit = inDouble ? unit.bitPattern : UInt64(Float(unit).bitPattern)
    }

    @inlinable @inline(__always)
    public func unit(inDouble: Bool) -> Double {
        inDouble ? Double(bitPattern: unit) : Double(Float(bitPattern: UInt32(truncatingIfNeeded: unit)))
    }
}

/// A gradient row that `Kernels.writeGradients` makes: `onShared·h + onRow·f + onOwn·v`, h a vector that rows share, f
/// the raw row.
public struct RowGradient {
    public var target: UnsafeMutableRawPointer
    public var onShared: Double
    /// With 0 the row is not looked at.
    public var onRow: Double
    /// v, a vector that this row has for itself, or nil.
    public var own: UnsafeRawPointer?
    public var onOwn: Double
    /// A raw row that is read soon, to be fetched from memory meanwhile, or nil.
    public var upcoming: UnsafeRawPointer?

    @inlinable
    public init(
        target: UnsafeMutableRawPointer, onShared: Double, onRow: Double, own: UnsafeRawPointer?, onOwn: Double
    ) {
        self.target = target
        self.onShared = onShared
        self.onRow = onRow
        self.own = own
        self.onOwn = onOwn
        upcoming = nil
    }
}

/// How one row is normalised, `x = scale · f`, and the squared norm of `x`.
public struct RowScale {
    public var scale: Double
    public var square: Double
    /// 1 / (n · scale): the part of the gradient along x that normalising takes away. 0 where x is linear in f.
    public var projection: Double

    @inlinable
    public init(scale: Double, square: Double, projection: Double) {
        self.scale = scale
        self.square = square
        self.projection = projection
    }

    /// By the formulas of `Normalization`, for a raw row of this norm.
    @inlinable @inline(__always)
    public init(norm: Double, _ normalization: Normalization) {
        switch normalization {
        case .none:
            self.init(scale: 1, square: norm * norm, projection: 0)
        // A NaN must not pass for a small norm.
        case .l2:
            let unit = norm <= 1e-12 ? norm * 1e12 : 1 + (norm - norm)
            self.init(
                scale: norm <= 1e-12 ? 1e12 : 1 / norm, square: unit * unit, projection: norm <= 1e-12 ? 0 : unit)
        case .renorm:
            let scale = norm <= 1e-5 ? 1e5 : 1 / (norm + 1e-7)
            let unit = norm * scale
            self.init(scale: scale, square: unit * unit, projection: norm <= 1e-5 ? 0 : 1 / unit)
        }
    }
}

/// What `Kernels.sum` finds on its way.
public struct RowSums {
    /// The squared norm of the sum.
    public var product: Double
    /// The sum of the rows' squared norms.
    public var squares: Double
    /// The first row's squared norm.
    public var firstSquare: Double

    @inlinable
    public init(product: Double, squares: Double, firstSquare: Double) {
        self.product = product
        self.squares = squares
        self.firstSquare = firstSquare
    }
}
