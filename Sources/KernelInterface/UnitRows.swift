/// The most common work in one sweep: identities of equally many rows that lie row after row, no normalisation, and a
/// gradient that is `onSum·s` for every row, s the sum of its identity's rows, and `totalOnFirst·total` more for the first.
public struct UnitRows {
    public var features: UnsafeRawPointer
    public var gradient: UnsafeMutableRawPointer
    /// Compute scalars from one row to the next.
    public var stride: Int
    public var gradientStride: Int
    /// Compute scalars of a row.
    public var columns: Int
    public var identities: Int
    public var samplesPerId: Int
    public var onSum: Double
    public var total: UnsafeRawPointer
    public var totalOnFirst: Double

    @inlinable
    public init(
        features: UnsafeRawPointer, gradient: UnsafeMutableRawPointer, stride: Int, gradientStride: Int, columns: Int,
        identities: Int, samplesPerId: Int, onSum: Double, total: UnsafeRawPointer, totalOnFirst: Double
    ) {
        self.features = features
        self.gradient = gradient
        self.stride = stride
        self.gradientStride = gradientStride
        self.columns = columns
        self.identities = identities
        self.samplesPerId = samplesPerId
        self.onSum = onSum
        self.total = total
        self.totalOnFirst = totalOnFirst
    }
}

/// Sums over all identities of `UnitRows`.
public struct UnitSums {
    /// `Σ ‖s‖²`
    public var product: Double
    /// The sums of the squared norms of first rows and of all others.
    public var firstSquares: Double
    public var otherSquares: Double

    @inlinable
    public init(product: Double, firstSquares: Double, otherSquares: Double) {
        self.product = product
        self.firstSquares = firstSquares
        self.otherSquares = otherSquares
    }
}
