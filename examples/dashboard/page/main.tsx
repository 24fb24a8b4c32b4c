import { render } from 'preact'
import { App } from './app.tsx'
import './style.css'
import { listenToServer } from './store.ts'

const root = document.querySelector('#root')
if (root !== null) render(<App />, root)
listenToServer()
