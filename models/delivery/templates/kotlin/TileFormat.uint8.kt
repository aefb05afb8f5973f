package mobilesr

import java.nio.ByteBuffer
import org.pytorch.executorch.DType
import org.pytorch.executorch.Tensor

/** One tile as the network takes and gives it: pixels of R, G, B, bytes of 0 to 255 (unsigned). */
typealias Tile = ByteArray

/** All that depends on the form of a tile. `pixels` is how many pixels the tile has. */
object TileFormat {
    const val NAME = "uint8"
    const val BYTES_A_NUMBER = 1
    val dtype = DType.UINT8

    fun allocate(numbers: Int): Tile = ByteArray(numbers)

    /** Sets pixel number `at`, counted row by row, from levels of 0 to 255. */
    @Suppress("UNUSED_PARAMETER")
    fun put(tile: Tile, pixels: Int, at: Int, red: Int, green: Int, blue: Int) {
        tile[3 * at] = red.toByte()
        tile[3 * at + 1] = green.toByte()
        tile[3 * at + 2] = blue.toByte()
    }

    /** The level, 0 to 255, of a channel (0 to 2) of a pixel. */
    @Suppress("UNUSED_PARAMETER")
    fun level(tile: Tile, pixels: Int, at: Int, channel: Int): Int =
        tile[3 * at + channel].toInt() and 255

    /** A number of the tile, for comparisons. */
    fun value(tile: Tile, index: Int): Float = (tile[index].toInt() and 255).toFloat()

    /** A tile out of a file's bytes. */
    fun parsed(bytes: ByteArray): Tile = bytes

    fun buffer(numbers: Int): ByteBuffer = Tensor.allocateByteBuffer(numbers)

    /** A tensor that shares the bytes of `buffer`. */
    fun tensor(buffer: ByteBuffer, shape: LongArray): Tensor =
        Tensor.fromBlobUnsigned(buffer, shape)

    fun read(tensor: Tensor): Tile = tensor.dataAsUnsignedByteArray
}
