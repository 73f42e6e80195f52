/// One row at hand.
public struct RowState {
    /// The raw row, in compute scalars.
    public var features: UnsafeRawPointer
    /// The bits of a compute scalar that `Kernels.sumScaled` multiplies the row with.
    public var unit: UInt64
    public var scale: RowScale
    /// `f·s`, the raw row's product with the sum that `Kernels.sumScaled` wrote.
    public var alongSum: Double
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
}

/// What `Kernels.sum` finds on its way.
public struct RowSums {
    /// The squared norm of the sum.
    public var product = 0.0
    /// The sum of the rows' squared norms, and the first row's.
    public var squares = 0.0
    public var firstSquare = 0.0

    @inlinable
    public init() {}

    @inlinable
    public init(product: Double, squares: Double, firstSquare: Double) {
        self.product = product
        self.squares = squares
        self.firstSquare = firstSquare
    }
}
