import KernelInterface

/// Rows as the kernels want them: compute scalars, at least one vector long.
///
/// Rows of float32 and float64 are used where they are. Rows of 16-bit floats, and rows shorter than one vector, are
/// copied into scratch first, widened and padded with zeros, which change neither norms nor products.
struct RowReader {
    private let groupedRows: UnsafePointer<Rows>
    let kernels: Kernels
    /// Compute scalars of a row.
    let columns: Int
    /// The rows at hand, as many as the largest identity has.
    let states: UnsafeMutablePointer<RowState>
    private let isDirect: Bool
    /// From one row of the batch to the next.
    private let rowBytes: Int
    private let slots: UnsafeMutableRawPointer
    private let products: UnsafeMutableRawPointer

    /// Sums of up to so many rows give their products with the sum as well.
    private static let mostProducts = 64

    /// Bytes of scratch.
    static func scratchSize(_ rows: Rows) -> Int {
        min(rows.largestIdentity, mostProducts) &* 64
            &+ rows.largestIdentity &* (MemoryLayout<RowState>.stride &+ rows.stagedColumns &* rows.element.computeSize)
    }

    init(_ groupedRows: UnsafePointer<Rows>, _ kernels: Kernels, scratch: UnsafeMutableRawPointer) {
        let rows = groupedRows.pointee
        self.groupedRows = groupedRows
        self.kernels = kernels
        isDirect = rows.isDirect
        columns = isDirect ? rows.dim : rows.stagedColumns
        rowBytes = rows.stride &* rows.element.size
        products = scratch
        let states = scratch + min(rows.largestIdentity, Self.mostProducts) &* 64
        self.states = states.assumingMemoryBound(to: RowState.self)
        slots = states + rows.largestIdentity &* MemoryLayout<RowState>.stride
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
        (slot + rows.dim &* size).initializeMemory(
            as: UInt8.self, repeating: 0, count: (rows.stagedColumns &- rows.dim) &* size)
        return UnsafeRawPointer(slot)
    }

    /// What row `a` is multiplied with in a sum of rows.
    func setUnit(_ unit: Double, of a: Int) {
        states[a].unit = rows.element.computesInDouble ? unit.bitPattern : UInt64(Float(unit).bitPattern)
    }

    func unit(of a: Int) -> Double {
        rows.element.computesInDouble
            ? Double(bitPattern: states[a].unit) : Double(Float(bitPattern: UInt32(truncatingIfNeeded: states[a].unit)))
    }

    /// Finds how row `a` is normalised, by the formulas of `Normalization`.
    @inline(never)
    func measure(_ a: Int) -> RowScale {
        let norm = norm(states[a].features)
        var scale = 1.0
        var projection = 0.0
        var unit = norm
        switch rows.normalization {
        case .none:
            break
        // A NaN must not pass for a small norm.
        case .l2:
            scale = norm <= 1e-12 ? 1e12 : 1 / norm
            unit = norm <= 1e-12 ? norm * scale : 1 + (norm - norm)
            projection = norm <= 1e-12 ? 0 : unit
        case .renorm:
            scale = norm <= 1e-5 ? 1e5 : 1 / (norm + 1e-7)
            unit = norm * scale
            projection = norm <= 1e-5 ? 0 : 1 / unit
        }
        let result = RowScale(scale: scale, square: unit * unit, projection: projection)
        states[a].scale = result
        setUnit(scale, of: a)
        return result
    }

    /// `‖f‖` of a raw row. Rows so large that their squares overflow the compute type are summed in scaled form.
    @inline(__always)
    private func norm(_ row: UnsafeRawPointer) -> Double {
        let square = square(row)
        return square < .infinity ? square.squareRoot() : scaledDot(row, row, down, down).squareRoot() / down
    }

    /// `‖x‖²` in the compute type.
    private func square(_ x: UnsafeRawPointer) -> Double {
        isLong ? dotInPieces(x, x) : kernels.square(x, count: columns)
    }

    /// `x·y` in the compute type.
    func dot(_ x: UnsafeRawPointer, _ y: UnsafeRawPointer) -> Double {
        isLong ? dotInPieces(x, y) : kernels.dot(x, y, count: columns)
    }

    /// The rounding of a sum grows with its length.
    @inline(never)
    private func dotInPieces(_ x: UnsafeRawPointer, _ y: UnsafeRawPointer) -> Double {
        let size = rows.element.computeSize
        var sum = 0.0
        var next = 0
        while next < columns {
            // The last piece is no shorter than a vector.
            let rest = columns &- next
            let count = rest < 2 &* Self.piece ? rest : Self.piece
            sum += kernels.dot(x + next &* size, y + next &* size, count: count)
            next &+= count
        }
        return sum
    }

    private var isLong: Bool { columns > 2 &* Self.piece }
    private static let piece = 4096

    /// A power of two, which scales without rounding.
    private var down: Double { rows.element.computesInDouble ? 0x1p-520 : 0x1p-70 }

    /// Writes the sum of the first `count` rows at hand, each times its unit, and returns its squared norm.
    func sumScaled(_ count: Int, into sum: UnsafeMutableRawPointer) -> Double {
        kernels.sumScaled(states, count, into: sum, count: columns, products: hasProducts(count) ? products : nil)
    }

    /// Whether `sumScaled` of so many rows sets `alongSum`.
    func hasProducts(_ count: Int) -> Bool { count <= Self.mostProducts && !isLong }

    /// Whether all numbers of row `a` are.
    func isFinite(_ a: Int) -> Bool {
        let row = states[a].features
        return square(row).isFinite || scaledDot(row, row, down, down).isFinite
    }

    /// `scale · x·y`, where `scale · x` is no larger than 1 but x itself may be so large that the sum overflows.
    ///
    /// - Parameter sum: `x·y` in the compute type
    func scaled(_ sum: Double, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, scale: Double) -> Double {
        sum.isFinite ? sum * scale : scaledDot(x, y, scale, 1)
    }

    @inline(never)
    private func scaledDot(_ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ a: Double, _ b: Double) -> Double {
        func scalar(_ vector: UnsafeRawPointer, _ i: Int) -> Double {
            rows.element.computesInDouble
                ? vector.assumingMemoryBound(to: Double.self)[i] : Double(vector.assumingMemoryBound(to: Float.self)[i])
        }
        var sum = 0.0
        for i in 0..<columns { sum += (scalar(x, i) * a) * (scalar(y, i) * b) }
        return sum
    }
}
