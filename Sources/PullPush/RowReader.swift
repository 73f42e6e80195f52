import KernelInterface

/// Rows as the kernels want them: compute scalars, at least one vector long.
///
/// Rows of float32 and float64 are used where they are. Rows of 16-bit floats, and rows shorter than one vector, are
/// copied into scratch first, widened and padded with zeros, which change neither norms nor products.
struct RowReader {
    let groupedRows: UnsafePointer<Rows>
    let kernels: Kernels
    /// Compute scalars of a row.
    let columns: Int
    /// The rows at hand: as many as the largest identity has, and at least `fewRows`.
    let states: UnsafeMutablePointer<RowState>
    let isDirect: Bool
    /// From one row of the batch to the next.
    let rowBytes: Int
    private let slots: UnsafeMutableRawPointer
    /// Room for the products of rows with their sum, or for the sum in double.
    let products: UnsafeMutableRawPointer

    /// Rows that are taken together where they do not belong together.
    static var fewRows: Int { 8 }
    /// Sums of up to so many rows are taken in the compute type, and give their products with the sum as well.
    private static let mostProducts = 64

    private static func productBytes(_ rows: Rows) -> Int {
        let bytes = max(LinearSpace.leastProducts, min(rows.largestIdentity, mostProducts) &* 64)
        return hasProducts(rows) ? bytes : max(bytes, rows.element.padded(rows.dim) &* MemoryLayout<Double>.size)
    }

    private static func capacity(_ rows: Rows) -> Int { max(rows.largestIdentity, fewRows) }

    /// Bytes of scratch.
    static func scratchSize(_ rows: UnsafePointer<Rows>) -> Int {
        let rows = rows.pointee
        let rowBytes = MemoryLayout<RowState>.stride &+ sizeProduct(rows.stagedColumns, rows.element.computeSize)
        return productBytes(rows) &+ sizeProduct(capacity(rows), rowBytes)
    }

    /// Where `states` is in the scratch, which begins with `products`.
    static func states(_ rows: Rows, _ scratch: UnsafeMutableRawPointer) -> UnsafeMutablePointer<RowState> {
        (scratch + productBytes(rows)).assumingMemoryBound(to: RowState.self)
    }

    init(_ groupedRows: UnsafePointer<Rows>, _ kernels: Kernels, scratch: UnsafeMutableRawPointer) {
        let rows = groupedRows.pointee
        self.groupedRows = groupedRows
        self.kernels = kernels
        isDirect = rows.isDirect
        columns = isDirect ? rows.dim : rows.stagedColumns
        rowBytes = rows.stride &* rows.element.size
        products = scratch
        states = Self.states(rows, scratch)
        slots = UnsafeMutableRawPointer(states + Self.capacity(rows))
    }

    var rows: Rows { groupedRows.pointee }

    /// Makes the batch's row `number` the row at hand `a`.
    @inline(__always)
    func load(_ number: Int, at a: Int) {
        let row = rows.features + number &* rowBytes
        states[a].features = isDirect ? row : staged(row, at: a)
    }

    @inline(never)
    private func staged(_ row: UnsafeRawPointer, at a: Int) -> UnsafeRawPointer {
        let size = rows.element.computeSize
        let slot = slots + a &* rows.stagedColumns &* size
        widen(row, rows.element, count: rows.dim, to: slot)
        rows.element.clear(slot, from: rows.dim, to: rows.stagedColumns)
        return UnsafeRawPointer(slot)
    }

    /// What row `a` is multiplied with in a sum of rows.
    func setUnit(_ unit: Double, of a: Int) { states[a].setUnit(unit, inDouble: rows.element.computesInDouble) }

    /// Finds how the first `count` rows at hand are normalised, by the formulas of `Normalization`, and returns `Σ ‖x‖²`.
    @inline(never)
    func measure(_ count: Int) -> Double {
        kernels.measure(states, count, count: columns)
        let normalization = rows.normalization
        var squares = 0.0
        for a in 0..<count {
            let scale = RowScale(norm: norm(a), normalization)
            states[a].scale = scale
            setUnit(scale.scale, of: a)
            squares += scale.square
        }
        return squares
    }

    /// `‖f‖` of a measured row. Rows so large that their squares overflow the compute type are summed in scaled form.
    @inline(__always)
    private func norm(_ a: Int) -> Double {
        let square = states[a].rawSquare
        return square < .infinity ? square.squareRoot() : hugeNorm(states[a].features)
    }

    @inline(never)
    private func hugeNorm(_ row: UnsafeRawPointer) -> Double { scaledDot(row, row, down, down).squareRoot() / down }

    /// `x·y` in the compute type.
    func dot(_ x: UnsafeRawPointer, _ y: UnsafeRawPointer) -> Double { kernels.dot(x, y, count: columns) }

    /// A power of two, which scales without rounding.
    var down: Double { rows.element.computesInDouble ? 0x1p-520 : 0x1p-70 }

    /// Writes the sum of the first `count` rows at hand, each times its unit, and returns its squared norm.
    @inline(never)
    func sumScaled(_ count: Int, into sum: UnsafeMutableRawPointer) -> Double {
        if hasProducts(count) {
            return kernels.sumScaled(states, count, into: sum, count: columns, products: products)
        }
        let doubles = products.assumingMemoryBound(to: Double.self)
        doubles.initialize(repeating: 0, count: columns)
        add(count, to: doubles)
        return kernels.narrow(doubles, to: sum, count: columns)
    }

    /// Adds the first `count` rows at hand, each times its unit, to a vector of doubles. The rounding of a sum in the
    /// compute type grows with its length.
    @inline(never)
    func add(_ count: Int, to doubles: UnsafeMutablePointer<Double>) {
        for a in Steps(to: count, by: Self.fewRows) {
            kernels.add(states + a, min(Self.fewRows, count &- a), to: doubles, count: columns)
        }
    }

    /// Whether `sumScaled` of so many rows sets `alongSum`.
    func hasProducts(_ count: Int) -> Bool { count <= Self.mostProducts }

    /// Whether `sumScaled` sets `alongSum` of every identity.
    @inline(__always)
    static func hasProducts(_ rows: Rows) -> Bool { rows.largestIdentity <= mostProducts }

    /// Whether all numbers of row `a` are.
    func isFinite(_ a: Int) -> Bool {
        let row = states[a].features
        return dot(row, row).isFinite || scaledDot(row, row, down, down).isFinite
    }

    /// `scale · x·y`, where `scale · x` is no larger than 1 but x itself may be so large that the sum overflows.
    ///
    /// - Parameter sum: `x·y` in the compute type
    func scaled(_ sum: Double, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, scale: Double) -> Double {
        sum.isFinite ? sum * scale : scaledDot(x, y, scale, 1)
    }

    @inline(never)
    func scaledDot(_ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ a: Double, _ b: Double) -> Double {
        func scalar(_ vector: UnsafeRawPointer, _ i: Int) -> Double {
            rows.element.computesInDouble
                ? vector.assumingMemoryBound(to: Double.self)[i] : Double(vector.assumingMemoryBound(to: Float.self)[i])
        }
        var sum = 0.0
        for i in 0..<columns { sum += (scalar(x, i) * a) * (scalar(y, i) * b) }
        return sum
    }
}
