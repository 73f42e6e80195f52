import KernelInterface

#if PULLPUSH_AVX512
/// A vector is a register: two of them side by side make twelve sums of six rows. Fewer would leave the multipliers waiting.
private let isPair = true
#else
/// A vector is two registers.
private let isPair = false
#endif

/// Six rows of a matrix.
private struct SixRows<S: ProductScalar> {
    let row0: UnsafePointer<S>
    let row1: UnsafePointer<S>
    let row2: UnsafePointer<S>
    let row3: UnsafePointer<S>
    let row4: UnsafePointer<S>
    let row5: UnsafePointer<S>

    @inline(__always)
    init(_ start: UnsafePointer<S>, _ rowStride: Int) {
        func row(_ a: Int) -> UnsafePointer<S> { hiddenRow(at: start + a &* rowStride) }
        (row0, row1, row2, row3, row4, row5) = (row(0), row(1), row(2), row(3), row(4), row(5))
    }
}

/// Columns of a row: a vector of them, or a pair.
private struct StripColumns<S: ProductScalar> {
    private var first = S.ProductLanes.zero
    private var second = S.ProductLanes.zero

    @inline(__always)
    init() {}

    /// - Parameter pair: from the first vector to the second
    @inline(__always)
    init(_ row: UnsafePointer<S>, pair: Int) {
        first = Self.load(row)
        if isPair { second = Self.load(row + pair) }
    }

    /// Adds a number times columns.
    @inline(__always)
    mutating func add(_ number: S, _ columns: StripColumns) {
        let number = S.ProductLanes(repeating: number)
        first = S.multiplyAdd(number, columns.first, first)
        if isPair { second = S.multiplyAdd(number, columns.second, second) }
    }

    /// Writes one of the pair.
    @inline(__always)
    func write(_ row: UnsafeMutablePointer<S>, second isSecond: Bool, adding: Bool) {
        let lanes = isSecond ? second : first
        UnsafeMutableRawPointer(row).storeBytes(
            of: adding ? S.add(Self.load(row), lanes) : lanes, as: S.ProductLanes.self)
    }

    @inline(__always)
    private static func load(_ row: UnsafePointer<S>) -> S.ProductLanes {
        UnsafeRawPointer(row).loadUnaligned(as: S.ProductLanes.self)
    }
}

/// Six rows of columns of a product: twelve sums in registers keep the multipliers busy while the inner dimension runs.
private struct Strip<S: ProductScalar> {
    private var row0 = StripColumns<S>()
    private var row1 = StripColumns<S>()
    private var row2 = StripColumns<S>()
    private var row3 = StripColumns<S>()
    private var row4 = StripColumns<S>()
    private var row5 = StripColumns<S>()

    @inline(__always)
    init() {}

    /// Adds a column of six numbers times columns of a row.
    @inline(__always)
    mutating func add(_ a: SixRows<S>, _ column: Int, _ b: StripColumns<S>) {
        row0.add(a.row0[column], b)
        row1.add(a.row1[column], b)
        row2.add(a.row2[column], b)
        row3.add(a.row3[column], b)
        row4.add(a.row4[column], b)
        row5.add(a.row5[column], b)
    }

    /// Writes one of the pair, of each row.
    @inline(__always)
    func write(_ c: UnsafeMutablePointer<S>, _ rowStride: Int, second: Bool, adding: Bool) {
        row0.write(c, second: second, adding: adding)
        row1.write(c + rowStride, second: second, adding: adding)
        row2.write(c + 2 &* rowStride, second: second, adding: adding)
        row3.write(c + 3 &* rowStride, second: second, adding: adding)
        row4.write(c + 4 &* rowStride, second: second, adding: adding)
        row5.write(c + 5 &* rowStride, second: second, adding: adding)
    }
}

extension Product {
    /// Works it out.
    ///
    /// The inner dimension is cut so that the part of b that columns read stays in the first-level cache while all rows of
    /// a pass over it, and so short that rounding stays small: an error grows with the length of a sum.
    @inline(__always)
    func work<S: ProductScalar>(_: S.Type) {
        let depth = 64
        let lanes = S.ProductLanes.scalarCount
        for inner in Steps(to: k, by: depth) {
            let adding = adding || inner > 0
            let a = UnsafePointer(a.start.assumingMemoryBound(to: S.self)) + inner &* a.columnStride
            let b = UnsafePointer(b.start.assumingMemoryBound(to: S.self)) + inner &* b.rowStride
            for column in Steps(to: S.padded(n), by: isPair ? 2 &* lanes : lanes) {
                // Where the last vector is alone, the pair is twice the same, of which one is dropped.
                let pair = column &+ lanes < n ? lanes : 0
                for row in Steps(to: m, by: productRows) {
                    let aRows = SixRows(a + row &* self.a.rowStride, self.a.rowStride)
                    var aColumn = 0
                    var bRow = b + column
                    var strip = Strip<S>()
                    // There is a first one, which spares the way around.
                    var left = min(depth, k &- inner)
                    repeat {
                        strip.add(aRows, aColumn, StripColumns(bRow, pair: pair))
                        aColumn &+= self.a.columnStride
                        bRow += self.b.rowStride
                        left &-= 1
                    } while left != 0
                    let target = c.start.assumingMemoryBound(to: S.self) + row &* c.rowStride + column
                    strip.write(target, c.rowStride, second: false, adding: adding)
                    if isPair && pair > 0 { strip.write(target + pair, c.rowStride, second: true, adding: adding) }
                }
            }
        }
    }
}

/// Exported as `makeKernels` is, one for each compute type.
@export(interface)
public func multiplyFloats(_ product: Product) { product.work(Float.self) }

@export(interface)
public func multiplyDoubles(_ product: Product) { product.work(Double.self) }
